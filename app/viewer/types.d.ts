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
  /** [x, y] of each corner, closed. */
  type Ring = [number, number][];
  /** A part of the image, from 0 to 1. */
  interface Area { left: number; top: number; right: number; bottom: number }
  type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  /** Style, width in pixels of the canvas and dash of one stroke of a path. */
  type Stroke = [string, number, number[]];
  interface Zoom extends Point { k: number }
  type Unit = 'cam' | 'product' | 'attention' | 'explainer' | 'share';
  type RGB = [number, number, number];

  interface Settings { loops: number; refined: boolean; blocks: Blocks; pass_reduction: string }
  interface MapOptions extends Partial<Settings> { pass?: number | null }
  /** What a map fixes against the settings of the page. */
  interface OwnSettings extends Partial<Settings> { classes?: number[] }
  /** A map with what it was made with; `contentSize`: height and width of the image in its cells. */
  interface Scaled { map: Values; contentSize: Size; max: number; unit: Unit }
  /** `title`, `note` and `empty` as in AddedPanel, of the map of the added panel. */
  interface Shown extends Scaled { method: string; classes: number[]; loops: number; refined: boolean; title?: string; note?: string; empty?: string }
  /** `empty`: why there is nothing to see, else empty. */
  interface AddedPanel extends Omit<Scaled, 'max'> { title: string; note: string; empty?: string; max?: number; method?: string; retry?: (() => void) | null }

  /** Ground truth of the chosen classes: `groundTruthOf` of ground_truth/ground_truth.mjs. */
  interface GroundTruth {
    /** The same for the same outlines. */
    key: string;
    polygons: Ring[];
    complete: boolean;
    source: string | null;
    /** Of mask files with soft edges, by class: the share above which a pixel is the object. */
    cutoffs: Record<string, number>;
    raster(h: number, w: number): Mask | null;
    ignore(h: number, w: number): Mask | null;
  }
  /** A map on a panel: `from` and `to` are the part of the panel's width that it fills, `ends` the names of a signed scale's ends, `classes`
   *  those whose ground truth belongs to it, `subject` their names where the titles give them, else empty. */
  interface Layer {
    method: string;
    shown: Scaled | null;
    range: number;
    signed: boolean;
    from: number;
    to: number;
    name: string;
    letter: string;
    title: string;
    classes: number[];
    subject: string;
    ends: [string, string];
  }
  /** A layer with a map. */
  interface MapLayer extends Layer { shown: Scaled & Partial<Omit<Shown, keyof Scaled>> }
  /** What a panel shows: explore/panel_specs.mjs. */
  interface PanelSpec {
    key: string;
    title: string;
    note: string;
    score: string;
    empty: string;
    ariaLabel: string;
    layers: Layer[];
    scales: MapLayer[];
    layerAt(point: Point, state: State): Layer | null;
    retry?: (() => void) | null;
    /** What a click shows beside the other networks, in a grid of classes. */
    choice?: { method: string; classes: number[] };
  }
  /** A row of a panel's colour scale. */
  interface ScaleRow { node: HTMLElement; name: HTMLElement; bar: HTMLElement; tick: HTMLElement; low: HTMLElement; high: HTMLElement; unit: HTMLElement; value: HTMLElement }
  /** What is measured of a map: `measure` of explore/panel.mjs; the box from 0 to 1. */
  interface MapFacts { iou: number | null; box: Box | null }
  /** The elements of a panel: explore/panel.mjs. `spec` is null until it is drawn. */
  interface Panel {
    key: string;
    spec: PanelSpec | null;
    rows: ScaleRow[];
    node: HTMLElement;
    stage: HTMLElement;
    canvas: HTMLCanvasElement;
    cross: HTMLCanvasElement;
    title: HTMLElement;
    note: HTMLElement;
    iou: HTMLElement;
    score: HTMLElement;
    empty: HTMLElement;
    box: HTMLElement;
    retry: HTMLButtonElement;
    divider?: ReturnType<typeof import('./explore/divider.mjs').createDivider>;
  }
  type DrawnPanel = Panel & { spec: PanelSpec };
  type Maps = ReturnType<typeof import('./explore/maps.mjs').createMaps>;
  /** What an overlay is drawn for: `method` is that of the map, or input, added_panel, difference; `classes` are the map's. */
  interface Overlay { method: string; classes: number[]; state: State; view: View; width: number; height: number; pixel: number }
  /** What is drawn over each map, and the values that decide what it draws. */
  interface PanelOverlay { draw(context: CanvasRenderingContext2D, about: Overlay): void; key(about: Overlay): unknown[] }
  interface PanelGrid {
    maps: Maps;
    /** Whether the blinking panel shows B. */
    other: boolean;
    /** Whether the panels show the image alone. */
    imageOnly: boolean;
    /** The panels on the page, in order. */
    shown(): DrawnPanel[];
    /** Pixels of a canvas for one of CSS. */
    pixel(): number;
    pick(panel: DrawnPanel, point: Point): void;
    draw(): void;
    /** Where the crosshair is. */
    cursor(): Point | null;
  }
  /** What gestures on a stage act on: `attachGestures` of explore/zoom.mjs. */
  interface Gestures {
    zoom(): Zoom;
    set(zoom: Zoom): void;
    drawing(): boolean;
    hover(point: Point | null, event: PointerEvent): void;
    pick(point: Point): void;
  }
  /** IoU of a map at every threshold: `sweep` of maths/iou.mjs. */
  interface IouCurve { iou: Float64Array; best: { threshold: number; iou: number } }
  /** A run at one size and mode in the Ablate tab, or why there is none; `waits`: it is being computed. */
  interface AblationColumn { key: string; run?: Run; prediction?: Prediction; cannot?: string; error?: string; waits?: boolean }
  interface MadeColumn extends AblationColumn { run: Run; prediction: Prediction }
  interface SizeMode { size: string; mode: string }
  /** What a cell of the Ablate tab sets. */
  interface CellSettings { loops: number; refined: boolean }
  type MeasuredMap = Shown & { curve: IouCurve | null };
  /** Ground truth on h × w points. */
  interface RasterTruth { mask: Mask; ignore: Mask | null; h: number; w: number }
  /** A size of the Ablate tab with what its charts show. */
  interface AblationRow extends MadeColumn {
    label: string;
    size: number;
    tiles: number;
    passes: number;
    similarity: number[];
    timings: Record<string, number> | null;
    coupled?: number[];
    alone?: number[];
  }
  /** All that the parts of the Ablate tab draw from. */
  interface AblationScene {
    state: State;
    run: Run;
    truth: RasterTruth | null;
    rows: AblationRow[];
    here: MadeColumn;
    method: string;
    noTruth: string;
    columnOf(which: SizeMode): AblationColumn;
    paint(canvas: HTMLCanvasElement, shown: Shown, range: number, state: State): void;
    measure(column: MadeColumn, method: string, own: Partial<Settings>): MeasuredMap;
  }
  type PickCell = (at: SizeMode, own: CellSettings, method: string) => void;
  /** A row of a grid or ladder of the Ablate tab, for an export. */
  interface DescribedRow extends SizeMode {
    title: string;
    trouble: string;
    cells: (CellSettings & { title: string; note: string; method: string; line?: string })[];
  }
  /** An event of an input or a select. */
  type InputEvent = Event & { target: HTMLInputElement };
  /** A column of a table of measures. */
  interface MeasureColumn { id: string; title: string; description: string; direction?: string }
  interface MeasureRow { key: string; title: string; note: string; values: (number | null)[]; texts: string[]; compared?: boolean }

  interface PassReduction { label: string; description: string; weights: number[][]; tile_normalized: boolean }

  /** One of two maps that are compared; without a value of its own it has the page's. `class`: a name, because another checkpoint numbers
   *  its classes in another way. */
  interface Side { method: string; loops?: number; refined?: boolean; class?: string }
  interface Shape { label: string; polygon: [number, number][] }
  interface AttentionPanel { kind: 'attention'; method: string; pass: number; block: number; head: number | null }
  interface ExplainerPanel { kind: 'explainer'; method: string; name: string }
  /** The maps of a file that the user has given: a number of explore/file_cams.mjs. */
  interface FilePanel { kind: 'file'; id: number; method?: undefined }

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
    /** Of a message: the same run would fail again. */
    final?: boolean;
    checkpoint: Checkpoint;
    chosen: { checkpoint: string; size: string; mode: string };
    classes: string[];
    methods: string[];
    /** Of a run that has not ended: the networks that are still to come. */
    pending?: string[];
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
    /** Of an image with few patches along one side: a size of the page that gives more, or none. */
    coarse?: { larger: { size: string; input: Size } | null } | null;
    /** What the file holds after the image that was read. */
    further?: 'pages' | 'frames' | null;
    capped?: boolean;
    stored?: boolean;
    distance?: Record<string, number[]>;
  }
  type Prediction = ReturnType<typeof import('./core/prediction.mjs').openPrediction>;
  /** What is on the page; `bytes`: of the run's arrays. */
  interface View { run: Run; prediction: Prediction; image: HTMLImageElement; bytes: ArrayBuffer }

  interface Store {
    get(): State;
    set(changes: Partial<State>): void;
    subscribe(listener: (state: State) => void): unknown;
  }
  interface Card { id: string; title: string; thumb: string; claim?: string; view?: string; first?: true }
  /** An axis: fixed ends, the ticks' values, how a value is written, by a function or in d3's format, and whether it has a line at 0. */
  interface ChartAxis { label: string; low?: number; high?: number; values?: number[]; format?: (value: number) => string; tickformat?: string; zero?: boolean }
  /** A line or the bars of one colour. Points that are not finite leave a gap; `half_range`: half the error bar of each;
   *  `marks`: points without a line, and how they are drawn. */
  interface ChartSeries { name: string; color: string; dash?: string; points: [number, number][]; half_range?: number[]; marks?: 'filled' | 'hollow' }
  interface ChartSpec {
    kind?: 'lines' | 'bars';
    title: string;
    x: ChartAxis;
    y: ChartAxis;
    series: ChartSeries[];
    marks?: { x: number; y: number; color: string; text: string }[];
    guides?: { x: number; text: string }[];
    legend?: boolean;
  }
  interface ResultLine { name: string; x: number[]; y: number[]; half_range: number[] }
  /** One difference of a claim, in points; null for what is not known. */
  interface ComparedRow { name: string; label: string; paper: number | null; ours: number | null; interval: [number, number] | null; range: [number, number] | null; seeds: number }
  interface Claim {
    id: string;
    sentence: string;
    verdict: 'holds' | 'does not hold' | 'inconclusive';
    reason: string;
    source: string;
    subject: string;
    rows: ComparedRow[];
    decides: number;
    chart: { x: string; y: string; ours: ResultLine[]; paper: ResultLine; x_labels: string[]; joined: boolean };
    command: string;
  }
  interface HeadlineLines { network: string; refinement: string; lines: ResultLine[] }
  interface PerClass { caption: string; networks: string[]; classes: string[]; values: number[][] }
  /** What the Results tab shows, as `scripts.report` writes it (results/summary.json). */
  interface Results {
    setups: { name: string; networks: string; images: string; seeds: string }[];
    claims: Claim[];
    headline: HeadlineLines[];
    shown: [string, string] | null;
    per_class: PerClass | null;
    sections: import('./results/results.mjs').Section[];
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
    onWaiting(listener: (sentence: string) => void): unknown;
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
  type Link = import('./permalink/query.mjs').Link;
  /** A titled link. `thumb`: a small image as data URL; `drawn`: ground truth on its image; `run`, `answers` and `file`: keys of
   *  what it shows in presentation/kept.mjs, `file` that of a map from a file. */
  interface Scene { title: string; query: string; thumb?: string; drawn?: Shape[]; run?: string; answers?: string[]; file?: string; masks?: string }
  /** What mountPermalink adds to the page. */
  interface PageLink {
    /** `kept`: gives what this browser has of it, where the server has not. */
    open(link: Link, kept?: () => Promise<View | null>): void;
    /** The next run of this link's image takes its settings, until the function that is returned is called. */
    expect(link: Link): () => void;
    fetch(wanted: import('./permalink/permalink.mjs').Wanted, signal: AbortSignal): Promise<Run & Bytes>;
    /** Have the server keep the image -> why it does not, or ''. */
    keep(): Promise<string>;
    /** `saved`: for an interactive page or a scene, which has the map from a file. */
    query(saved?: boolean): string;
  }
  /** The screen that a file of its own opens with. `id`: of the file; `query`: empty for what the checkpoint recommends,
   *  or for a link in the address; `drawn`: as in State; `added_panel`: of a gallery's page; `file`: the maps
   *  of the added panel, if they are from a file; `masks`: ground truth from files; `talk`: scenes with what they
   *  show, as presentation/scene_file.mjs packs it. */
  interface Saved {
    id: string; query: string; scenes: Scene[]; drawn: Record<string, Shape[]>; added_panel?: State['added_panel'];
    file?: import('./explore/file_cams.mjs').SavedFile; masks?: import('./presentation/scene_masks.mjs').SavedMask[]; talk?: { scenes: Scene[]; kept: Record<string, any> };
  }
  /** What mountScenes adds to the page. */
  interface PageScenes {
    list(): Scene[];
    view(scene: Pick<Scene, 'run'>): Promise<View | null>;
    restore(scene: Pick<Scene, 'answers'>): Promise<void>;
    /** The link of a scene with the map from its file, where it is here. */
    link(scene: Pick<Scene, 'query' | 'run' | 'file'>): Promise<Link>;
    /** The ground truth from files that a scene shows. */
    masks(scene: Pick<Scene, 'masks'>): Promise<import('./presentation/scene_masks.mjs').SavedMask[]>;
    contents(signal: AbortSignal): Promise<{ scenes: Scene[]; kept: Map<string, import('./presentation/scene_file.mjs').Kept>; whole: number }>;
  }
  /** What a feature gets: see main.mjs. */
  interface Page {
    root: HTMLElement;
    at(role: string): any;
    store: Store;
    cards: Card[];
    results: Results;
    saved: Saved | null;
    addedPanels: Record<string, (wanted: any, view: View, classes?: number[]) => AddedPanel | null>;
    exports: Record<string, (state: State, view: View) => object>;
    exportFile(kind: string, more?: object): void;
    view(): View | null;
    current(): View;
    onRun(listener: (view: View | null, before: View | null) => unknown): unknown;
    onDraw(listener: (state: State, view: View) => unknown): unknown;
    request: Requests['request'];
    answers: ReturnType<typeof import('./core/answers.mjs').createAnswers>;
    /** Has a part that is loaded later mounted; nothing for another name. Throws RequestError. */
    need(name: string): Promise<void>;
    onChanged: Requests['onChanged'];
    /** `bytes`: of its arrays where they are not in the value. */
    open(value: Run & Bytes & { bytes?: ArrayBuffer }): Promise<View>;
    showRun(next: View | null): void;
    /** Chooses the example that a page without a link opens with. */
    openFirst?(): unknown;
    showMessage(message: string, stays?: boolean): void;
    showFailure(message: string, again?: () => void): void;
    announce(text: string): void;
    /** Takes a file as ground truth; gives what was said and a way back where it may be no mask: ground_truth/ground_truth_card.mjs. */
    takeMask(file: File | undefined): Promise<{ text: string; undo: () => void } | null>;
    panelGrid: PanelGrid;
    overlays: PanelOverlay[];
    link: PageLink;
    scenes: PageScenes;
  }
}

interface Window {
  gradio_config?: { root?: string };
}
