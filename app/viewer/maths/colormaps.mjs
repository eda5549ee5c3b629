// Colour maps as 256 × 3 tables, interpolated between 33 anchors: Matplotlib's maps of the same names, and one for signed
// values, whose lightness rises evenly from both ends to the middle in OKLab (Ottosson, 2020), hues 258° and 50°: it can
// be told apart without red or green.

/** @type {Record<string, string>} */
const ANCHORS = {
  viridis: '440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e21918c1f988b1fa08822a78528ae8032b67a3fbc734ec36b5ec96270cf5784d44b98d83eaddc30c2df23d8e219ece51bfde725',
  magma: '0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81762181832681902a819c2e7faa337db73779c43c75d0416fdc4869e75263ef5d5ef56b5cf9795dfc8961fd9869fea772feb67cfec488fed395fde2a3fcf0b2fcfdbf',
  inferno: '0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e7d1e6d8a226a972766a32c61b0315bbc3754c73e4cd24644db503be45a31eb6628f1731df68013f98e09fb9d07fcac11fbbc21f9cb35f5db4cf2ea69f3f68afcffa4',
  cividis: '00224e00285b002e6a0533711a386f273e6e32436d3b496c434e6c4b546c535a6d5a5f6e61656f686a716f70737676767d7c788482798c8878938e789b9476a39a74aba072b4a76fbcae6cc4b468cdbb63d5c25edec958e7d150f0d846f9e03afee838',
  turbo: '30123b392a734040a24456c7466be34680f64294ff37a8fa28bceb1ccdd818ddc21fe9af32f2984ef97d6dfe628bff4ba4fc3cb9f635cdec34dfdf37eecf3af8be39fdac34fe962bfb7e21f46617eb500edf3f08d02f05be2102a91601920b017a0403',
  gray: '000000080808101010181818202020282828303030383838404040484848505050585858606060686868707070787878808080888888909090989898a0a0a0a8a8a8b0b0b0b8b8b8c0c0c0c8c8c8d0d0d0d8d8d8e0e0e0e8e8e8f0f0f0f8f8f8ffffff',
  signed: '2b4d7f30568e36609d3c6aac4273bc4d7ec75889d06493d9729ee080a9e68fb4eb9fbfefafcaf2c0d5f4d1e0f5e3eaf5f5f5f5f3e7e0f1d9ccefcbb7ebbda4e6af91e1a27fdb956dd3885dcb7c4ec1703fb76532ac5a269e5222904b1e82431a753b17',
};

export const COLORMAPS = [
  { id: 'viridis', label: 'viridis' },
  { id: 'magma', label: 'magma' },
  { id: 'inferno', label: 'inferno' },
  { id: 'cividis', label: 'cividis' },
  { id: 'gray', label: 'grey' },
  { id: 'turbo', label: 'turbo (not uniform)' },
];

/** The colour map of signed values. */
export const SIGNED = 'signed';

/** @type {Map<string, Uint8ClampedArray>} */
const tables = new Map();

/** 256 × 3 bytes, red, green, blue; viridis for a name that is not known.
 * @param {string} name
 * @returns {Uint8ClampedArray}
 */
export function colorTable(name) {
  const id = Object.hasOwn(ANCHORS, name) ? name : 'viridis';
  const table = tables.get(id) ?? expand(ANCHORS[id]);
  tables.set(id, table);
  return table;
}

/** @param {string} hex */
function expand(hex) {
  const count = hex.length / 6;
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (count - 1);
    const low = Math.min(count - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) {
      const channel = (/** @type {number} */ k) => parseInt(hex.slice(6 * k + 2 * c, 6 * k + 2 * c + 2), 16);
      table[3 * i + c] = channel(low) + (channel(low + 1) - channel(low)) * (at - low);
    }
  }
  return table;
}

/** CSS gradient stops of a colour map, from low to high.
 * @param {string} name
 */
export function gradient(name, stops = 12) {
  const table = colorTable(name);
  const color = (/** @type {number} */ i) => `rgb(${table[3 * i]} ${table[3 * i + 1]} ${table[3 * i + 2]})`;
  return Array.from({ length: stops }, (_, k) => color(Math.round((255 * k) / (stops - 1)))).join(', ');
}
