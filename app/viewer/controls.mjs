// Ties the controls of the Explore tab to the store, both ways.

import { figure } from './arithmetic.mjs';
import { COLORMAPS, gradient } from './colormaps.mjs';
import { make } from './page.mjs';
import { METHOD_TITLES, UNITS } from './state.mjs';

export function mountControls({ at, store, onDraw }) {
  at('colormap').replaceChildren(...COLORMAPS.map(({ id, label }) => make('option', { value: id, text: label })));
  const number = (role, name) => at(role).addEventListener('input', (e) => store.set({ [name]: Number(e.target.value) }));
  const flag = (role, name) => at(role).addEventListener('change', (e) => store.set({ [name]: e.target.checked }));
  const choice = (role, name) => at(role).addEventListener('change', (e) => store.set({ [name]: e.target.value }));
  number('loops', 'loops');
  number('threshold', 'threshold');
  number('opacity', 'opacity');
  flag('refined', 'refined');
  flag('outline', 'outline');
  flag('several', 'several');
  flag('truth', 'truth');
  choice('overlay', 'overlay');
  choice('colormap', 'colormap');
  choice('scale', 'scale');
  for (const unit of Object.keys(UNITS)) {
    at(`absolute-${unit}`).addEventListener('change', (event) => {
      const value = Number(event.target.value);
      if (value > 0) store.set({ absolute: { ...store.get().absolute, [unit]: value } });
    });
  }
  onDraw((state, { run }) => {
    at('loops').max = run.maxLoops;
    at('loops').value = state.loops;
    at('loops-value').textContent = `${state.loops}`;
    at('threshold').value = state.threshold;
    at('threshold-value').textContent = `${Math.round(100 * state.threshold)} % of max`;
    at('opacity').value = state.opacity;
    at('opacity-value').textContent = `${Math.round(100 * state.opacity)} %`;
    for (const name of ['refined', 'outline', 'several', 'truth']) at(name).checked = state[name];
    for (const name of ['overlay', 'colormap', 'scale']) at(name).value = state[name];
    at('colorbar').style.background = `linear-gradient(to right, ${gradient(state.colormap)})`;
    at('absolute').hidden = state.scale !== 'absolute';
    for (const unit of Object.keys(UNITS)) {
      if (state.absolute[unit] && document.activeElement !== at(`absolute-${unit}`)) {
        at(`absolute-${unit}`).value = figure(state.absolute[unit]);
      }
    }
    at('truth-field').hidden = !run.masks?.length;
    showToggles(at('panels-shown'), store, state, run);
  });
}

function showToggles(box, store, state, run) {
  const names = ['input', 'resnet', 'tscam', 'crt', 'crt_cnn'].filter((m) => m === 'input' || run.methods.includes(m));
  if (box.dataset.names !== names.join()) {
    box.dataset.names = names.join();
    box.replaceChildren(
      ...names.map((name) => {
        const flip = () => {
          const { visible } = store.get();
          store.set({ visible: { ...visible, [name]: !visible[name] } });
        };
        return make('button', { type: 'button', class: `chip ${name}`, 'data-name': name, text: METHOD_TITLES[name], on: { click: flip } });
      }),
    );
  }
  for (const chip of box.children) chip.setAttribute('aria-pressed', state.visible[chip.dataset.name] ? 'true' : 'false');
}
