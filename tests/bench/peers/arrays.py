"""Peers of the kernels, on the arrays that ours works on. Each does what the node or package named does, its result in new memory."""
import numpy as np

from work import Work, simple

VOXEL, CLASSES = 8, 6
NEAR_FAR = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (3, 0, 0), (0, 3, 0), (0, 0, 3), (9, 0, 0), (0, 9, 0), (0, 0, 9), (-4, 0, 0), (0, -4, 0), (0, 0, -4)]
MARGIN = 8


def dacapo():
    import originals

    return originals.dacapo()


# ---- elastic


def built(node, *keys):
    """The node, set up behind a source that has everything."""
    import gunpowder as gp

    everywhere = gp.ArraySpec(roi=gp.Roi((-(10**6),) * 3, (2 * 10**6,) * 3), voxel_size=gp.Coordinate((VOXEL,) * 3), interpolatable=True)

    class Source(gp.BatchProvider):
        def setup(self):
            for key in keys:
                self.provides(key, everywhere)

        def provide(self, request):
            raise NotImplementedError

    pipeline = gp.build(Source() + node)
    pipeline.__enter__()
    return node


def elastic(subsample):
    """The whole node for one array: the field is made, its bounding box found, the array sampled."""

    def prepare(inputs):
        import gunpowder as gp

        raw = gp.ArrayKey("RAW")
        node = built(dacapo()[0].ElasticAugment([24] * 3, [2.5 * VOXEL] * 3, (0.6, 0.6), subsample=subsample), raw)
        n = inputs["grey"].shape[0]
        request = gp.BatchRequest(random_seed=1)
        request[raw] = gp.ArraySpec(roi=gp.Roi((0, 0, 0), (n * VOXEL,) * 3), voxel_size=gp.Coordinate((VOXEL,) * 3))

        def run(watch):
            asked = request.copy()
            with watch:
                node.prepare(asked)
            source = np.random.default_rng(1).random(asked[raw].roi.shape / VOXEL, np.float32)
            batch = gp.Batch()
            batch[raw] = gp.Array(source, gp.ArraySpec(roi=asked[raw].roi, voxel_size=gp.Coordinate((VOXEL,) * 3)))
            with watch:
                node.process(batch, request)

        return run

    return Work(prepare)


def elasticdeform(inputs):
    import elasticdeform as package

    grey = inputs["grey"]
    points = max(grey.shape[0] // 24, 2)
    displacement = np.random.default_rng(1).normal(0, 2.5, (3, points, points, points))
    return lambda: package.deform_grid(grey, displacement, order=1)


def batchgenerators(inputs):
    from batchgenerators.augmentations.spatial_transformations import augment_spatial

    data = inputs["grey"][None, None]
    return lambda: augment_spatial(
        data, None, data.shape[2:], do_elastic_deform=True, alpha=(60, 60), sigma=(10, 10), do_rotation=True, angle_x=(0.6, 0.6),
        angle_y=(0, 0), angle_z=(0, 0), do_scale=False, order_data=1, random_crop=False)


def sampling(source, interpolate):
    def make(inputs):
        import augment

        data, field = inputs[source], inputs["dense field"]
        return lambda: augment.apply_transformation(data, field, interpolate=interpolate)

    return simple(make)


def grid_sample(inputs):
    import torch

    torch.set_num_threads(1)
    source, field = inputs["source float32"], inputs["dense field"]
    ends = np.array(source.shape, np.float32).reshape(3, 1, 1, 1) - 1
    grid = torch.from_numpy(np.ascontiguousarray(np.moveaxis(field * 2 / ends - 1, 0, -1)[..., ::-1]))[None]
    data = torch.from_numpy(source)[None, None]
    return lambda: torch.nn.functional.grid_sample(data, grid, mode="bilinear", align_corners=True)[0, 0]


# ---- labels


def distance(labels):
    def make(inputs):
        from funlib.geometry import Coordinate

        predictor = dacapo()[1].DistancePredictor(["a"], 50.0, False)
        data = inputs[labels]
        return lambda: predictor.process(data, Coordinate((VOXEL,) * 3), "tanh", 50.0)[0]

    return simple(make)


def edt_doubled(labels):
    """The same with a fast exact transformation: dacapo's boundaries on the doubled grid, then seung-lab's edt."""

    def make(inputs):
        import edt

        predictor = dacapo()[1].DistancePredictor(["a"], 50.0, False)
        data = inputs[labels]

        def run():
            inner = ~predictor._DistancePredictor__find_boundaries(data)
            found = edt.edt(inner, anisotropy=(VOXEL / 2,) * 3, parallel=1)[::2, ::2, ::2]
            return np.tanh(np.where(data == 0, -found, found) / np.float32(50))

        return run

    return simple(make)


def affinities(edges):
    def make(inputs):
        from gunpowder.nodes.add_affinities import seg_to_affgraph

        labels = inputs["blocky"]
        return lambda: seg_to_affgraph(labels.astype(np.int32), NEAR_FAR[:edges]).astype(np.uint8)

    return simple(make)


def balance_dacapo(labels):
    def make(inputs):
        dacapo()
        from dacapo.utils.balance_weights import balance_weights

        data = inputs[labels]
        return lambda: balance_weights(data, CLASSES, slab=(-1, -1, -1))[0]

    return simple(make)


def balance_gunpowder(inputs):
    import gunpowder as gp

    labels, scales = gp.ArrayKey("CLASSES"), gp.ArrayKey("SCALES")
    node = built(gp.BalanceLabels(labels, scales, num_classes=CLASSES), labels)
    voxel_size, batch = gp.Coordinate((VOXEL,) * 3), gp.Batch()
    spec = gp.ArraySpec(roi=gp.Roi((0, 0, 0), voxel_size * gp.Coordinate(inputs["classes"].shape)), voxel_size=voxel_size)
    batch[labels] = gp.Array(inputs["classes"], spec)
    return lambda: node.process(batch, gp.BatchRequest())[scales].data


def one_hot(labels):
    def make(inputs):
        predictor = dacapo()[1].OneHotPredictor([str(i) for i in range(CLASSES)], CLASSES)
        data = inputs[labels][None]
        return lambda: predictor.process(data)

    return simple(make)


def local_shape(inputs):
    from lsd.train.local_shape_descriptor import get_local_shape_descriptors

    labels = inputs["objects"]
    return lambda: get_local_shape_descriptors(labels, (5 * VOXEL,) * 3, voxel_size=(VOXEL,) * 3)


def share_beyond(limit):
    """Upstream's Pearson coefficients are noise where an object has no extent along an axis, so a few values differ by anything."""

    def compare(ours, peer, _):
        return {"difference": float((np.abs(ours - peer()) > limit).mean()), "what": f"share of values that differ by more than {limit}"}

    return compare


# ---- intensities


def gamma(inputs):
    import gunpowder as gp

    node = dacapo()[0].GammaAugment([gp.ArrayKey("RAW")], 0.5, 2.0)
    grey = inputs["grey"]
    return lambda: node._GammaAugment__augment(grey, 1.37)


def gamma_meant(ours, _, inputs):
    """dacapo's node drops the power at the end, so the formula stands for it."""
    a = inputs["grey"].astype(np.float64)
    low, high = a.min(), a.max()
    return {"difference": float(np.abs(((a - low) / (high - low)) ** 1.37 * (high - low) + low - ours).max()), "what": "largest difference to the formula"}


def same_moments(deviation):
    def compare(ours, _, inputs):
        noise = ours.astype(np.float64) - inputs["grey"]
        return {"difference": float(max(abs(noise.mean()), abs(noise.std() - deviation(inputs)))), "what": "mean and deviation off by"}

    return compare


def normal_noise(inputs):
    generator, grey = np.random.default_rng(7), inputs["grey"]

    def run():
        noise = generator.standard_normal(grey.shape, np.float32)
        noise *= np.float32(0.1)
        noise += grey
        return noise

    return run


def poisson_noise(inputs):
    generator, grey = np.random.default_rng(7), inputs["grey"]
    return lambda: (generator.poisson(grey * 256) / 256).astype(np.float32)


def of(name, body):
    """A line of numpy on one input."""

    def make(inputs):
        data = inputs[name]
        return lambda: body(data)

    return simple(make)


def inner(a):
    return a[MARGIN:-MARGIN, MARGIN:-MARGIN, MARGIN:-MARGIN]


WORKS = {
    "elastic 1": elastic(1),
    "elastic 4": elastic(4),
    "elasticdeform": simple(elasticdeform),
    "batchgenerators": simple(batchgenerators),
    "augment float32": sampling("source float32", True),
    "augment uint8": sampling("source uint8", False),
    "augment uint64": sampling("source uint64", False),
    "grid_sample": simple(grid_sample),
    "distance blocky": distance("blocky"),
    "distance sparse": distance("sparse"),
    "edt blocky": edt_doubled("blocky"),
    "affinities 3": affinities(3),
    "affinities 12": affinities(12),
    "balance dacapo": balance_dacapo("classes"),
    "balance dacapo ids": balance_dacapo("class ids"),
    "balance gunpowder": simple(balance_gunpowder),
    "one-hot": one_hot("classes"),
    "one-hot ids": one_hot("class ids"),
    "local shape": simple(local_shape, share_beyond(1e-3)),
    "gamma": simple(gamma, gamma_meant),
    "normal noise": simple(normal_noise, same_moments(lambda inputs: 0.1)),
    "poisson noise": simple(poisson_noise, same_moments(lambda inputs: np.sqrt(inputs["grey"].mean(dtype=float) / 256))),
    "scale shift clip": of("grey", lambda a: np.clip(a * np.float32(2) - np.float32(1), np.float32(-0.9), np.float32(0.9))),
    "normalise": of("bytes", lambda a: a.astype(np.float32) * np.float32(1 / 255)),
    "cast": of("bytes", lambda a: a.astype(np.float32)),
    "cast ids": of("blocky", lambda a: a.astype(np.uint32)),
    "crop": of("grey", lambda a: inner(a).copy()),
    "pad": of("grey", lambda a: np.pad(inner(a), MARGIN)),
    "pad reflect": of("grey", lambda a: np.pad(inner(a), MARGIN, mode="reflect")),
    "flip z": of("grey", lambda a: a[::-1].copy()),
    "flip x": of("grey", lambda a: a[:, :, ::-1].copy()),
    "transpose zxy": of("grey", lambda a: np.ascontiguousarray(a.transpose(0, 2, 1))),
    "transpose xyz": of("grey", lambda a: np.ascontiguousarray(a.transpose(2, 1, 0))),
    "minmax": of("grey", lambda a: (a.min(), a.max())),
    "minmax bytes": of("bytes", lambda a: (a.min(), a.max())),
    "mean": of("grey", lambda a: a.mean(dtype=np.float64)),
    "any": of("zeros", lambda a: a.any()),
    "count": of("blocky", lambda a: np.count_nonzero(a == 0)),
    "unique": of("blocky", lambda a: np.unique(a, return_counts=True)[0]),
}
