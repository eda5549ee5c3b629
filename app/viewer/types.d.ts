// Types of what passes between the viewer's modules. Only `tsc` reads this file; nothing here reaches the browser.

declare namespace Crt {
  /** First and last block, from 0; null for all. */
  type Blocks = [number, number] | null;
  /** h × w numbers, row by row. */
  interface Grid<T> { data: T; h: number; w: number }
  /** Values on cells or points. */
  type Values = Grid<Float32Array>;
  type Numbers = Float32Array | Float64Array | Uint8Array | Uint8ClampedArray | number[];
  /** Bytes of 0 and 1. */
  type Mask = Uint8Array;
  type Size = [number, number];
  /** x0, y0, x1, y1, half-open. */
  type Box = [number, number, number, number];
  interface Point { x: number; y: number }
  interface Zoom extends Point { k: number }
  type Unit = 'cam' | 'product' | 'attention' | 'explainer' | 'share';
  type RGB = [number, number, number];

  interface Settings { loops: number; refined: boolean; blocks: Blocks; pass_reduction: string }
  interface MapOptions extends Partial<Settings> { pass?: number | null }
  /** A map with what it was made with; `span`: height and width of the image in its cells. */
  interface Scaled { map: Values; span: Size; max: number; unit: Unit }
  interface Shown extends Scaled { method: string; loops: number; refined: boolean }
  interface AddedPanel extends Omit<Scaled, 'max'> { title: string; note: string; max?: number; method?: string; retry?: (() => void) | null }

  interface PassReduction { label: string; description: string; weights: number[][]; tile_normalized: boolean }

  interface Side { method: string; loops?: number; refined?: boolean }
  interface Shape { label: string; polygon: [number, number][] }
  interface AttentionPanel { kind: 'attention'; method: string; pass: number; block: number; head: number | null }
  interface ExplainerPanel { kind: 'explainer'; method: string; name: string }

  /** All that a user can choose (`INITIAL` of core/store.mjs). */
  type State = import('./core/schema.mjs').State;
  type MaskSettings = State['mask'];
  /** One setting, in the words of app/requests/settings.py; what it has not is left out. */
  interface Setting {
    path: string;
    type: string;
    default: any;
    key?: string;
    low?: number;
    high?: number;
    names?: string[];
    none?: true;
    slider?: [number, number, number];
    former?: Record<string, string>;
    personal?: true;
    export?: string;
    unlinked?: string;
  }

  /** Where an array lies in the bytes of an answer; its values are float16 times `scale`. */
  interface Stored { shape: number[]; scale: number; offset: number }
  interface Opened { shape: number[]; data: Float32Array }
  interface MethodRecord { method: string; kind: string; cams: Stored; cls_attn: Stored; content_size: Size }
  interface TileGrid { shape: Size; stride: number; tile: number; patch: number; cells: Size; patchCells: Size; content: Size }
  interface Bytes { data?: string | null; file?: string }
  interface Checkpoint { id: string; name: string; sha256: string; modes: string[]; source?: string | null; relation?: number | null; segmentation?: boolean }
  /** The header of a run, as `app.core.codec` writes it. */
  interface Run {
    run: string;
    image: string;
    imageId: string;
    imageFile?: string;
    example?: string | null;
    credit?: string;
    message?: string;
    checkpoint: Checkpoint;
    chosen: { checkpoint: string; size: string; mode: string };
    classes: string[];
    methods: string[];
    maxLoops: number;
    defaults: Settings & { threshold: number };
    scores: Record<string, number[][]>;
    similarity: number[];
    residual: Record<string, number[]>;
    timings: Record<string, number>;
    masks?: { label: string; polygons: [number, number][][] }[];
    records: MethodRecord[];
    grid: TileGrid;
    input: Size;
    source: Size;
    tiles: number;
    passes: number;
    mode: string;
    precision: string;
    capped?: boolean;
    stored?: boolean;
    distance?: Record<string, number[]>;
  }
  type Prediction = ReturnType<typeof import('./core/prediction.mjs').openPrediction>;
  /** What is on the page. */
  interface View { run: Run; prediction: Prediction; image: HTMLImageElement }

  interface Store {
    get(): State;
    set(changes: Partial<State>): void;
    subscribe(listener: (state: State) => void): unknown;
  }
  interface Card { id: string; title: string; thumb: string; claim?: string; view?: string; first?: true }
  /** An axis: fixed ends, the ticks' values, and how a value is written, by a function or in d3's format. */
  interface ChartAxis { label: string; low?: number; high?: number; values?: number[]; format?: (value: number) => string; tickformat?: string }
  /** A line or the bars of one colour. Points that are not finite leave a gap; `half_range`: half the error bar of each. */
  interface ChartSeries { name: string; color: string; dash?: string; points: [number, number][]; half_range?: number[] }
  interface ChartSpec {
    kind?: 'lines' | 'bars';
    title: string;
    x: ChartAxis;
    y: ChartAxis;
    series: ChartSeries[];
    marks?: { x: number; y: number; color: string; text: string }[];
    guides?: { x: number; text: string }[];
  }
  /** An answer of the server; what it holds depends on the event. */
  type Answer = any;
  /** What becomes of an event in Gradio's queue; see core/gradio_queue.mjs. */
  interface QueueNews { alive?: true; failed?: string; completed?: true }
  interface Queue {
    fetch: typeof fetch;
    watch(request: string, listener: (news: QueueNews) => void): void;
    drop(request: string): void;
    onOther(listener: (sentence: string) => void): unknown;
  }
  /** `timeout`: ms without a sign of life; `acrossRuns`: whether the answer counts when another run is on the page;
   *  `onLeftRunning`: have the server stop when the signal aborts, and be called with the error if it cannot be told. */
  interface RequestOptions {
    timeout?: number;
    signal?: AbortSignal;
    onProgress?: (content: any) => void;
    acrossRuns?: boolean;
    onLeftRunning?: (error: Error) => void;
  }
  interface Requests {
    request(event: string, details?: object, options?: RequestOptions): Promise<Answer>;
    onChanged(listener: () => void): unknown;
    newRun(): void;
  }
  interface Newest {
    request(event: string, details?: object, options?: Omit<RequestOptions, 'signal'>): Promise<Answer>;
    cancel(): void;
  }
  /** What a feature gets: see main.mjs. */
  interface Page {
    root: HTMLElement;
    at(role: string): any;
    store: Store;
    cards: Card[];
    measured: any[];
    addedPanels: Record<string, (wanted: any, view: View) => AddedPanel | null>;
    exports: Record<string, (state: State, view: View) => object>;
    exportFile(kind: string, more?: object): void;
    view(): View | null;
    current(): View;
    onRun(listener: (view: View | null, before: View | null) => unknown): unknown;
    onDraw(listener: (state: State, view: View) => unknown): unknown;
    request: Requests['request'];
    onChanged: Requests['onChanged'];
    open(value: any): Promise<View>;
    showRun(next: View | null): void;
    /** Chooses the example that a page without a link opens with. */
    openFirst?(): unknown;
    showMessage(message: string, again?: () => void): void;
    announce(text: string): void;
    panelGrid: any;
    overlays: ((context: CanvasRenderingContext2D, about: any) => void)[];
    link: any;
    scenes: { list(): { title: string; query: string }[] };
  }
}

interface Window {
  gradio_config?: { root?: string };
}
