"""Reference figures of gunpowder's graph drawing, resampling, locations and scanning, and of dacapo's array wrappers, made by running them.

usage: make_nodes_more2.py INPUT.h5 OUT.h5        (INPUT.h5: tests/golden/input.h5)
gunpowder must be installed; dacapo must be importable (PYTHONPATH), but its package files are passed over, so that torch isn't needed. A group is a case; its attribute `case` says
in JSON what was run; datasets are named by key, with attributes `offset` and `voxel_size`.
"""
import importlib.util, json, logging, sys, types, warnings
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
import h5py, numpy as np
import gunpowder as gp
from gunpowder import ArrayKey, ArraySpec, BatchRequest, Coordinate, Graph, GraphKey, GraphSpec, Node, Edge, Roi
from funlib.persistence import Array as LazyArray

source_path, out_path = sys.argv[1:3]
VS = (50, 5, 5)
RAW, LABELS, PAINT, OUT, ID = (ArrayKey(k) for k in ("RAW", "LABELS", "PAINT", "OUT", "NODE_ID"))
POINTS = GraphKey("POINTS")
WHOLE = ((0, 0, 0), (1200, 480, 480))
with h5py.File(source_path) as f:
    points, labels, raw = f["points"][:], f["labels"][:], f["raw"][:]


class Points(gp.BatchProvider):
    """Nodes with id i at points[i] (those named), edges between successive ones where wanted, colours 2, 3, 4 in turn."""

    def __init__(self, ids, edges=False):
        self.ids, self.edges = ids, edges

    def setup(self):
        self.provides(POINTS, GraphSpec(roi=Roi(*WHOLE), directed=False))

    def provide(self, request):
        nodes = [Node(int(i), points[i].astype(np.float32), attrs={"color": 2 + k % 3}) for k, i in enumerate(self.ids)]
        edges = [Edge(int(a), int(b), attrs={"color": 5}) for a, b in zip(self.ids, self.ids[1:])] if self.edges else []
        graph = Graph(nodes, edges, GraphSpec(roi=Roi(*WHOLE), directed=False))
        batch = gp.Batch()
        batch[POINTS] = graph.crop(request[POINTS].roi)
        return batch


class Untyped(gp.BatchFilter):
    """RasterizeGraph can't compare its mask's dtype with a spec that says one (an upstream defect)."""

    def setup(self):
        self.updates(LABELS, self.spec[LABELS].copy())

    def process(self, batch, request):
        batch[LABELS].spec.dtype = None


def apart(distance, metric=(1, 1, 1)):
    """Ids of points, each farther than `distance` from those before."""
    chosen = []
    for i, p in enumerate(points):
        if all(np.linalg.norm((p - points[j]) / metric) > distance for j in chosen):
            chosen.append(i)
    return chosen


def arrays(*keys):
    names = {RAW: "raw", LABELS: "labels"}
    return gp.Hdf5Source(source_path, {k: names[k] for k in keys}, {k: ArraySpec(interpolatable=k is RAW) for k in keys})


def put(group, name, data, spec=None):
    data = np.asarray(data)
    data = data.astype(np.uint8) if data.dtype == bool else data
    d = group.create_dataset(name, data=data, **(dict(compression="gzip", shuffle=True) if data.ndim and data.size > 64 else {}))
    if spec is not None and spec.roi is not None:
        d.attrs["offset"], d.attrs["voxel_size"] = list(spec.roi.offset), list(spec.voxel_size)


def run(out, name, pipeline, said, seed=1, **wanted):
    keys = {"RAW": RAW, "LABELS": LABELS, "PAINT": PAINT, "OUT": OUT, "NODE_ID": ID}
    with gp.build(pipeline):
        request = BatchRequest(random_seed=seed)
        for k, roi in wanted.items():
            request[keys[k]] = ArraySpec(roi=Roi(*roi)) if roi else ArraySpec(nonspatial=True)
        batch = pipeline.request_batch(request)
    group = out.create_group(name)
    said["request"] = {"seed": seed, **{k: dict(offset=r[0], shape=r[1]) for k, r in wanted.items() if r}}
    group.attrs["case"] = json.dumps(said)
    for key, array in batch.arrays.items():
        put(group, str(key), np.asarray(array.data), array.spec)


def rasterize(out):
    S = gp.RasterizationSettings
    box = ((200, 50, 50), (800, 300, 350))
    sparse, isolated = apart(80), apart(8.5, (50, 10, 10))

    def one(name, ids, settings, edges=False, roi=box, before=None, **said):
        source = Points(ids, edges)
        pipeline = source if before is None else (source, before) + gp.MergeProvider()
        pipeline = pipeline + gp.RasterizeGraph(POINTS, PAINT, ArraySpec(voxel_size=Coordinate(VS)), settings)
        run(out, "rasterize_" + name, pipeline, dict(ids=ids, edges=edges, **said), PAINT=roi)

    every = list(range(len(points)))
    one("ball", every, S(40), radius=40)
    one("ellipsoid", every, S((100, 20, 30)), radius=(100, 20, 30))
    one("hollow", sparse, S((110, 32, 32), inner_radius_fraction=.5), radius=(110, 32, 32), inner_radius_fraction=.5)
    one("values", every, S(30, fg_value=7, bg_value=3), radius=30, fg_value=7, bg_value=3)
    one("edges", every[:12], S((60, 12, 12)), edges=True, roi=WHOLE, radius=(60, 12, 12))
    one("colors", sparse, S(30, color_attr="color"), radius=30, color_attr="color")
    one("mask", every, S(60, mask=LABELS), before=arrays(LABELS) + Untyped(), radius=60, mask="LABELS")
    one("peak", isolated, S((50, 10, 10), mode="peak"), roi=WHOLE, radius=(50, 10, 10), mode="peak")


def resampled(out):
    box = ((200, 50, 60), (800, 300, 360))
    run(out, "upsample", arrays(LABELS) + gp.UpSample(LABELS, Coordinate(2, 5, 1), OUT), dict(factor=(2, 5, 1)), OUT=((225, 101, 60), (250, 99, 60)))
    run(out, "downsample", arrays(RAW) + gp.DownSample(RAW, (2, 3, 1), OUT), dict(factor=(2, 3, 1)), OUT=((200, 60, 65), (800, 300, 355)))
    run(out, "downsample_number", arrays(LABELS) + gp.DownSample(LABELS, 2, OUT), dict(factor=2), OUT=box)
    for i, vs in enumerate(((50, 10, 10), (100, 20, 8), (25, 5, 4), (50, 5, 5))):
        part = ((0, 0, 0), (400, 240, 240))  # all there is after the crop: near other borders upstream has too little context for its smoothing
        cropped = arrays(RAW) + gp.Crop(RAW, Roi(*part))
        run(out, f"resample_raw_{i}", cropped + gp.Resample(RAW, vs, OUT), dict(target_voxel_size=vs, crop=part), OUT=part)
        run(out, f"resample_float_{i}", arrays(RAW) + gp.Crop(RAW, Roi(*part)) + gp.Normalize(RAW) + gp.Resample(RAW, vs, OUT),
            dict(target_voxel_size=vs, crop=part, normalize=True), OUT=part)
        run(out, f"resample_labels_{i}", arrays(LABELS) + gp.Resample(LABELS, vs, OUT), dict(target_voxel_size=vs), OUT=WHOLE)


def places(out):
    locations = [(300, 100, 120), (605, 242, 251), (5, 5, 5), (850, 333, 290), (420, 200, 401)]
    wanted = dict(RAW=((0, 0, 0), (200, 60, 60)), LABELS=((50, 10, 10), (100, 40, 40)))
    for seed in range(4):
        run(out, f"specified_random_{seed}", arrays(RAW, LABELS) + gp.SpecifiedLocation(locations, choose_randomly=True, jitter=(60, 9, 9)),
            dict(locations=locations, choose_randomly=True, jitter=(60, 9, 9)), seed=70 + seed, **wanted)
        source = (arrays(RAW, LABELS), Points(range(len(points)))) + gp.MergeProvider()
        run(out, f"iterate_random_{seed}", source + gp.IterateLocations(POINTS, choose_randomly=True, node_id=ID), dict(choose_randomly=True),
            seed=90 + seed, NODE_ID=None, **wanted)
    node = gp.SpecifiedLocation(locations)
    with gp.build(arrays(RAW) + node) as p:
        group = out.create_group("specified_in_turn")
        group.attrs["case"] = json.dumps(dict(locations=locations, request=dict(seed=1, RAW=dict(offset=(0, 0, 0), shape=(200, 60, 60)))))
        for i in range(6):
            request = BatchRequest(random_seed=1)
            request[RAW] = ArraySpec(roi=Roi((0, 0, 0), (200, 60, 60)))
            put(group, f"RAW_{i}", p.request_batch(request)[RAW].data)
    gp.IterateLocations._IterateLocations__global_index.value = -1
    with gp.build((arrays(RAW), Points(range(len(points)))) + gp.MergeProvider() + gp.IterateLocations(POINTS, node_id=ID)) as p:
        group = out.create_group("iterate_in_turn")
        group.attrs["case"] = json.dumps(dict(request=dict(seed=1, RAW=dict(offset=(0, 0, 0), shape=(200, 60, 60)))))
        for i in range(8):
            request = BatchRequest(random_seed=1)
            request[RAW], request[ID] = ArraySpec(roi=Roi((0, 0, 0), (200, 60, 60))), ArraySpec(nonspatial=True)
            batch = p.request_batch(request)
            put(group, f"RAW_{i}", batch[RAW].data), put(group, f"NODE_ID_{i}", np.array(batch[ID].data))


class Note(gp.BatchFilter):
    """Notes where RAW is requested."""

    def __init__(self):
        self.begins = []

    def setup(self):
        pass

    def prepare(self, request):
        self.begins.append(list(request[RAW].roi.begin))

    def process(self, batch, request):
        pass


def scan(out):
    reference = BatchRequest()
    reference[RAW], reference[LABELS] = ArraySpec(roi=Roi((0, 0, 0), (300, 100, 150))), ArraySpec(roi=Roi((50, 20, 20), (200, 60, 110)))
    note = Note()
    run(out, "scan", arrays(RAW, LABELS) + note + gp.Scan(reference, progress_callback=gp.nodes.scan.ScanCallback()),
        dict(reference=dict(RAW=((0, 0, 0), (300, 100, 150)), LABELS=((50, 20, 20), (200, 60, 110)))),
        RAW=((100, 50, 50), (700, 250, 200)), LABELS=((150, 70, 70), (600, 210, 160)))
    put(out["scan"], "begins", note.begins)


def stand_in(name):
    """A package whose own file isn't run."""
    spec, path = None, None
    for i, part in enumerate(name.split(".")):
        here = ".".join(name.split(".")[: i + 1])
        path = list(importlib.util.find_spec(part).submodule_search_locations) if i == 0 else [f"{path[0]}/{part}"]
        if here not in sys.modules:
            sys.modules[here] = types.ModuleType(here)
            sys.modules[here].__path__ = path


def wrappers(out):
    base = "dacapo.experiments.datasplits.datasets.arrays"
    stand_in(base)
    load = lambda file, name: getattr(importlib.import_module(f"{base}.{file}_config"), name + "Config")
    ArrayConfig = load("array", "Array")

    class Given(ArrayConfig):
        def __init__(self, data):
            self.data = data

        def array(self, mode="r"):
            channels = ["c^"] * (self.data.ndim - 3)
            return LazyArray(self.data, (0, 0, 0), VS, channels + ["z", "y", "x"], ["nm"] * 3)

    small, grey = labels[:8, :40, :40], raw[:8, :40, :40].astype(np.float32) / 255
    groups = [("a", [1, 2, 3, 4, 5, 6, 7, 8]), ("all", []), ("b", [30, 31, 32, 12])]
    masks = np.stack([small % 3 == 1, small % 5 == 1]).astype(np.uint8)
    made = {
        "crop": (load("crop_array", "CropArray")("x", Given(small), Roi((100, 50, 60), (200, 100, 80))), {}),
        "binarize": (load("binarize_array", "BinarizeArray")("x", Given(small), groups, 0), dict(groupings=groups)),
        "concat": (load("concat_array", "ConcatArray")("x", ["a", "b"], {"a": Given(masks[0]), "b": Given(masks[1])}), {}),
        "intensities": (load("intensity_array", "IntensitiesArray")("x", Given(grey), .2, .8), dict(min=.2, max=.8)),
        "logical_or": (load("logical_or_array", "LogicalOrArray")("x", Given(masks)), {}),
        "ones": (load("ones_array", "OnesArray")("x", Given(small)), {}),
        "sum": (load("sum_array", "SumArray")("x", [Given(masks[0]), Given(masks[1]), Given(masks[0])]), {}),
        "downsampled": (load("resampled_array", "ResampledArray")("x", Given(grey), None, (2, 4, 4), True), dict(downsample=(2, 4, 4))),
    }
    for name, (config, said) in made.items():
        try:
            data = config.array().data
        except Exception as e:
            print("dacapo", name, "can't be run:", type(e).__name__, e)
            if name != "downsampled": raise
            from xarray_multiscale import windowed_mean  # what it was to call
            data = windowed_mean(grey, (2, 4, 4))
        group = out.create_group("array_" + name)
        group.attrs["case"] = json.dumps(said)
        put(group, "output", np.asarray(data))
    group = out.create_group("array_inputs")
    group.attrs["case"] = "{}"
    put(group, "labels", small), put(group, "grey", grey), put(group, "masks", masks)


with h5py.File(out_path, "w") as out:
    for make in (rasterize, resampled, places, scan, wrappers):
        make(out)
