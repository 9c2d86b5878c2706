"""Reference figures for more of gunpowder's nodes, made by running gunpowder 1.4.4 itself (scikit-image, scipy and malis come with it).

usage: make_nodes_more.py INPUT.h5 OUTPUT.h5      (tests/golden/input.h5, tests/golden/nodes_more1.h5)

A group is a case; its attribute `case` says in JSON what was run. Where upstream crashes (folds), the figure is that of the node with the crash mended, as its note says.
"""
import json, logging, sys, types, warnings
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
import numpy as np, h5py, scipy.ndimage as ndi, scipy.special
scipy_misc = types.ModuleType("scipy.misc"); scipy_misc.comb = scipy.special.comb  # malis asks for a module that scipy no longer has
sys.modules["scipy.misc"] = scipy_misc
_full = np.full  # and for np.full(shape, -1, np.uint64), which NumPy 2 refuses
np.full = lambda shape, value, dtype=None, **rest: _full(shape, np.iinfo(np.uint64).max if dtype == np.uint64 and value == -1 else value, dtype, **rest)
import gunpowder as gp
from gunpowder import BatchRequest, Coordinate, Roi

VS = Coordinate(50, 5, 5)
with h5py.File(sys.argv[1], "r") as f:
    data = {name: f[name][:] for name in ("raw", "labels", "organelle", "mask", "points")}
FULL = Roi((0, 0, 0), Coordinate(data["raw"].shape) * VS)
key = {n: gp.ArrayKey(n) for n in "RAW LABELS MASK ORGANELLE INPUT AFFS AFFS_MASK UNLABELLED SCALES IGNORE ARTIFACTS ALPHA".split()}
POINTS = gp.GraphKey("POINTS")


class Served(gp.BatchProvider):
    """Arrays in memory at VS from the origin on, handed out as copies; POINTS without edges."""

    def __init__(self, **arrays): self.arrays = arrays

    def setup(self):
        for name, a in self.arrays.items():
            if name == "POINTS": self.provides(POINTS, gp.GraphSpec(roi=FULL, directed=False))
            else: self.provides(key[name], gp.ArraySpec(roi=Roi((0, 0, 0), Coordinate(a.shape) * VS), voxel_size=VS, dtype=a.dtype, interpolatable=name in ("RAW", "ARTIFACTS", "ALPHA")))

    def provide(self, request):
        batch = gp.Batch()
        for k, wanted in request.items():
            spec = self.spec[k].copy(); spec.roi = wanted.roi
            if isinstance(k, gp.GraphKey):
                nodes = [gp.Node(i, p.copy()) for i, p in enumerate(self.arrays["POINTS"]) if wanted.roi.contains(p)]
                batch[k] = gp.Graph(nodes, [], spec)
            else:
                batch[k] = gp.Array(self.arrays[k.identifier][(wanted.roi / VS).get_bounding_box()].copy(), spec)
        return batch


class MendedDefects(gp.DefectAugment):
    """prepare() says what it depends on."""

    def prepare(self, request):
        super().prepare(request)
        spec = request[self.intensities].copy()
        if "deformed_slice" in self.slice_to_augmentation.values():
            growth = Coordinate(0 if d == self.axis else VS[d] * self.deformation_strength for d in range(3))
            spec.roi = spec.roi.grow(growth, growth)
        deps = BatchRequest(); deps[self.intensities] = spec
        return deps


def run(f, name, pipeline, what, inputs=None, **rois):
    seed = rois.pop("seed")
    request = BatchRequest(random_seed=seed)
    for n, (offset, shape) in rois.items():
        roi = Roi(offset, shape)
        if n == "POINTS": request[POINTS] = gp.GraphSpec(roi=roi)
        else: request[key[n]] = gp.ArraySpec(roi=roi)
    described = {n: dict(offset=list(o), shape=list(s)) for n, (o, s) in rois.items()}; described["seed"] = seed
    with gp.build(pipeline): batch = pipeline.request_batch(request)
    g = f.create_group(name)
    g.attrs["case"] = json.dumps(dict(what, request=described))
    for k, a in batch.arrays.items():
        d = g.create_dataset(k.identifier, data=a.data, compression="gzip", shuffle=True)
        d.attrs["offset"] = np.array(a.spec.roi.offset, float)
    for k, a in (inputs or {}).items(): g.create_dataset(k, data=a, compression="gzip", shuffle=True)
    if POINTS in batch.graphs:
        nodes = sorted(batch[POINTS].nodes, key=lambda n: n.id)
        g.create_dataset("point_ids", data=np.array([n.id for n in nodes], np.int64))
        g.create_dataset("point_locations", data=np.array([n.location for n in nodes], np.float64).reshape(-1, 3))


BOX = ((300, 100, 100), (400, 200, 200)); WIDE = ((200, 50, 50), (600, 300, 300))
raw = (data["raw"] / 255).astype(np.float32)
with h5py.File(sys.argv[2], "w") as f:
    # ---- NoiseAugment makes its noise from the request's seed: nodes behind it draw as if it weren't there
    for seed in (1, 2):
        run(f, f"noise_none_{seed}", Served(RAW=raw) + gp.NoiseAugment(key["RAW"], "s&p", amount=0.0) + gp.IntensityAugment(key["RAW"], .8, 1.2, -.15, .15),
            dict(node="NoiseAugment", note="amount 0, then IntensityAugment(RAW, .8, 1.2, -.15, .15)"), seed=seed, RAW=BOX)
    for seed in range(4):
        run(f, f"noise_p_{seed}", Served(RAW=raw) + gp.NoiseAugment(key["RAW"], "pepper", p=.5, amount=1.0), dict(node="NoiseAugment", note="amount 1, p = 0.5: all or nothing"), seed=seed, RAW=((0, 0, 0), (50, 20, 20)))

    # ---- AddAffinities
    near = [[-1, 0, 0], [0, -1, 0], [0, 0, -1]]; far = near + [[2, 0, 0], [0, -7, 5], [1, 3, -4]]
    unlabelled = (data["labels"] > 0).astype(np.uint8)
    sources = dict(LABELS=data["labels"], MASK=data["mask"], UNLABELLED=unlabelled)
    for i, (nhood, mask, unl, dtype) in enumerate([(near, False, False, np.uint8), (far, False, False, np.float32), (far, True, False, np.uint8), (far, True, True, np.uint8), (near, False, True, np.uint8)]):
        node = gp.AddAffinities(nhood, key["LABELS"], key["AFFS"], labels_mask=key["MASK"] if mask else None, unlabelled=key["UNLABELLED"] if unl else None, affinities_mask=key["AFFS_MASK"], dtype=dtype)
        roi = ((100, 40, 40), (400, 200, 200))
        run(f, f"add_affinities_{i}", Served(**sources) + node, dict(node="AddAffinities", neighborhood=nhood, labels_mask=mask, unlabelled=unl, dtype=np.dtype(dtype).name, note="UNLABELLED is LABELS > 0"), seed=1, AFFS=roi, AFFS_MASK=roi)

    # ---- BalanceLabels
    classes = (data["labels"] % 4).astype(np.uint8)
    for i, kw in enumerate([dict(), dict(slab=(3, -1, -1)), dict(clipmin=None, clipmax=None), dict(clipmin=.3, clipmax=.6, slab=(-1, 20, 40))]):
        for masked in (False, True):
            node = gp.BalanceLabels(key["INPUT"], key["SCALES"], mask=[key["MASK"]] if masked else None, num_classes=4, **kw)
            run(f, f"balance_labels_{i}_{'masked' if masked else 'plain'}", Served(INPUT=classes, MASK=data["mask"]) + node, dict(node="BalanceLabels", parameters=kw, masked=masked, note="INPUT is labels % 4"), seed=1, SCALES=((0, 0, 0), (400, 200, 200)))

    # ---- GrowBoundary
    for i, (steps, background, only_xy, masked) in enumerate([(1, 0, False, False), (3, 0, False, False), (2, 7, True, False), (1, 0, False, True), (3, 7, False, True), (2, 0, True, True)]):
        node = gp.GrowBoundary(key["LABELS"], key["MASK"] if masked else None, steps, background, only_xy)
        rois = dict(LABELS=((0, 0, 0), (600, 240, 240)), **(dict(MASK=((0, 0, 0), (600, 240, 240))) if masked else {}))
        run(f, f"grow_boundary_{i}", Served(LABELS=data["labels"], MASK=data["mask"]) + node, dict(node="GrowBoundary", steps=steps, background=background, only_xy=only_xy, masked=masked), seed=1, **rois)

    # ---- ExcludeLabels: the mask lies far enough inside of the labels that were asked for
    exclude = list(range(1, 61, 3))
    run(f, "exclude_labels", Served(LABELS=data["labels"]) + gp.ExcludeLabels(key["LABELS"], exclude, key["IGNORE"], 37.3, 2), dict(node="ExcludeLabels", exclude=exclude, erode=37.3, background=2), seed=1,
        LABELS=WIDE, IGNORE=((300, 100, 100), (300, 200, 200)))

    # ---- RenumberConnectedComponents: on components of different sizes, all greater than 1
    few = (data["labels"] % 3).astype(np.uint64)
    for value in (1, 2):
        parts, n = ndi.label(few == value); sizes = np.bincount(parts.ravel())
        for j in range(1, n + 1): few[parts == j] = value if sizes[j] > 1 else 0
    parts = np.zeros_like(few, int); n = 0
    for value in (1, 2):
        p, m = ndi.label(few == value); parts[p > 0] = p[p > 0] + n; n += m
    sizes = np.bincount(parts.ravel())[1:]
    for j in range(n):
        if (sizes == sizes[j]).sum() > 1: few[parts == j + 1] = 0
    run(f, "renumber", Served(INPUT=few) + gp.RenumberConnectedComponents(key["INPUT"]), dict(node="RenumberConnectedComponents"), inputs=dict(before=few.astype(np.uint8)), seed=1, INPUT=((0, 0, 0), tuple(FULL.shape)))

    # ---- ShiftAugment
    for i, kw in enumerate([dict(prob_slip=.3, prob_shift=.2, sigma=12), dict(prob_slip=0, prob_shift=1, sigma=(0, 9, 3.5)), dict(prob_slip=.6, prob_shift=.1, sigma=(30, 0, 4), shift_axis=1), dict(prob_slip=.5, prob_shift=.1, sigma=14, p=.5)]):
        for seed in (1, 2):
            run(f, f"shift_{i}_{seed}", Served(RAW=data["raw"], LABELS=data["labels"], POINTS=data["points"]) + gp.ShiftAugment(**kw), dict(node="ShiftAugment", parameters=kw, note="shift_axis counts from 0"), seed=seed,
                RAW=((400, 150, 150), (400, 150, 150)), LABELS=((450, 170, 170), (300, 100, 100)), POINTS=((400, 100, 100), (400, 250, 250)))

    # ---- DefectAugment
    for seed in (1, 2):
        run(f, f"defects_{seed}", Served(RAW=raw) + gp.DefectAugment(key["RAW"], .2, .3), dict(node="DefectAugment", prob_missing=.2, prob_low_contrast=.3), seed=seed, RAW=BOX)
    run(f, "defects_axis", Served(RAW=raw) + gp.DefectAugment(key["RAW"], .2, .3, contrast_scale=.4, axis=2, p=.9), dict(node="DefectAugment", prob_missing=.2, prob_low_contrast=.3, contrast_scale=.4, axis=2, p=.9, note="axis counts from 0"), seed=5, RAW=BOX)
    artifacts = raw[::-1, ::-1, :].copy(); alpha = ndi.gaussian_filter(np.random.RandomState(3).rand(*raw.shape), (0, 4, 4)).astype(np.float32); alpha = (alpha - alpha.min()) / (alpha.max() - alpha.min())
    run(f, "defects_artifact", Served(RAW=raw) + gp.DefectAugment(key["RAW"], .1, 0, .5, artifact_source=Served(ARTIFACTS=artifacts, ALPHA=alpha), artifacts=key["ARTIFACTS"], artifacts_mask=key["ALPHA"]),
        dict(node="DefectAugment", prob_missing=.1, prob_artifact=.5, note="the artifact source holds RAW mirrored along its first two axes, opacity `alpha` (first section)"), inputs=dict(alpha=alpha[:1, :40, :40]), seed=2, RAW=BOX)
    for seed in (1, 2, 3):
        for strength in (6, 20):
            run(f, f"defects_fold_{strength}_{seed}", Served(RAW=raw) + MendedDefects(key["RAW"], .1, 0, prob_deform=.5, deformation_strength=strength), dict(node="DefectAugment", prob_missing=.1, prob_deform=.5, deformation_strength=strength, note="with prepare() mended: upstream crashes"),
                seed=seed, RAW=((300, 130, 130), (300, 200, 200)))
