"""scripts/train_organelles.lua, node for node, in gunpowder and dacapo.gp.

One process, no PreCache; batches one after the other, times a batch's. The last batch's arrays are left in FOLDER/peer-KEY.bin when asked for, to be compared with ours: all but the raw, since
dacapo's GammaAugment drops its power.
"""
import math
import resource
import time

from work import Work

RAW_SHAPE, GT_SHAPE = (16, 256, 256), (12, 200, 200)


def pipeline_of(file, labels, subsample):
    import gunpowder as gp
    import h5py

    import originals

    nodes, predictors = originals.dacapo()
    RAW, GT, MASK, TARGET, WEIGHT = (gp.ArrayKey(k) for k in ("RAW", "GT", "MASK", "TARGET", "WEIGHT"))
    with h5py.File(file) as f:
        attributes = f[labels].attrs
        voxel_size = gp.Coordinate(int(v) for v in attributes.get("resolution", attributes.get("voxel_size")))
    datasets = {RAW: "volumes/raw", GT: labels, MASK: "volumes/masks/labelled"}
    source = gp.Hdf5Source(file, datasets, {k: gp.ArraySpec(interpolatable=k == RAW) for k in datasets})
    pipeline = (
        source + gp.Normalize(RAW) + gp.Unsqueeze([GT, MASK], axis=0) + gp.Pad(RAW, None) + gp.Pad(GT, None)
        + gp.Pad(MASK, gp.Coordinate(s // 2 for s in GT_SHAPE) * voxel_size) + gp.RandomLocation()
        + nodes.ElasticAugment((1, 100, 100), (0, 10, 10), (0, math.pi / 2), subsample=subsample)
        + gp.SimpleAugment(transpose_only=[1, 2]) + nodes.GammaAugment([RAW], 0.5, 2.0) + gp.IntensityAugment(RAW, 0.9, 1.1, -0.1, 0.1)
        + nodes.RejectIfEmpty(GT, p=0.8)
        + nodes.DaCapoTargetFilter(predictors.DistancePredictor(["organelle"], 50.0, False), GT, TARGET, WEIGHT, MASK))
    request = gp.BatchRequest()
    request.add(RAW, gp.Coordinate(RAW_SHAPE) * voxel_size)
    for key in (GT, MASK, TARGET, WEIGHT):
        request.add(key, gp.Coordinate(GT_SHAPE) * voxel_size)
    context = gp.build(pipeline)
    context.__enter__()
    return pipeline, request


def prepare(inputs):
    pipelines = {}

    def run(watch, file, labels, subsample, seeds, keep=False):
        name = (file, labels, subsample)
        if name not in pipelines:
            pipelines[name] = pipeline_of(*name)
        pipeline, request = pipelines[name]
        first = None
        for seed in seeds:
            request._random_seed = seed
            with watch:
                batch = pipeline.request_batch(request)
            first = first or watch.seconds
        watch.seconds, watch.faults = watch.seconds / len(seeds), watch.faults // len(seeds)
        answer = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "first": first}
        if keep:
            for key, array in batch.arrays.items():
                place = f"{inputs.folder}/peer-{key}.bin"
                array.data.tofile(place)
                answer[str(key)] = {"file": place, "dtype": str(array.data.dtype), "shape": list(array.data.shape)}
        return answer

    return run


WORKS = {"trainer": Work(prepare, clock=time.process_time)}
