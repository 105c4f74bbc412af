"""The inputs of the fuzz campaign: one good file of every kind, and how files are damaged."""

import json
import random
from pathlib import Path

import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Dicom.Registration import registrationObject
from MedFusionLib.Core.Dicom.Series import readSeries
from MedFusionLib.Core.Dicom.StructureSet import RegionOfInterest, structureSetObject
from MedFusionLib.Core.Dicom.Study import studyFor
from MedFusionLib.Core.Phantom import makePhantom

STRANGE = ["", "\x00", "NaN", "Infinity", "-1", "1e999", "[]", "{}", "null", '"', "9" * 400, "é漢", "../..", "%s"]


def mutatedBytes(data: bytes, r: random.Random) -> bytes:
    """Return bytes with a few of them changed, removed, repeated or exchanged for strange text."""
    data = bytearray(data)
    for _ in range(r.choice((1, 1, 2, 4, 16))):
        if not data:
            break
        at = r.randrange(len(data))
        match r.randrange(6):
            case 0:
                data[at] = r.randrange(256)
            case 1:
                del data[at : at + r.randint(1, 40)]
            case 2:
                data[at:at] = data[at : at + r.randint(1, 40)] * r.randint(1, 5)
            case 3:
                data[at:at] = r.choice(STRANGE).encode()
            case 4:
                del data[at:]
            case _:
                data[at] ^= 1 << r.randrange(8)
    return bytes(data)


def mutatedJson(value: object, r: random.Random, depth: int = 0) -> object:
    """Return a JSON value with some part exchanged, removed or repeated."""
    if depth and r.random() < 0.08:
        return r.choice([None, True, -1, 0, 1e308, float("nan"), "", "x" * 5000, [], {}, [[]], {"a": 1}, "1,2", 2**70])
    if isinstance(value, dict):
        items = [(k, mutatedJson(v, r, depth + 1)) for k, v in value.items() if r.random() > 0.03]
        return dict(items)
    if isinstance(value, list):
        changed = [mutatedJson(v, r, depth + 1) for v in value if r.random() > 0.05]
        return changed + changed[:1] if r.random() < 0.05 else changed
    return value


def mutatedFile(source: Path, target: Path, r: random.Random) -> Path:
    """Write a mutated copy of a file; JSON is changed in its structure every other time."""
    if source.suffix == ".json" and r.random() < 0.6:
        target.write_text(json.dumps(mutatedJson(json.loads(source.read_text()), r)))
    else:
        data = source.read_bytes()
        # Large files are changed where their header is, not in the voxels, which may hold anything.
        head = min(len(data), 3000)
        target.write_bytes(mutatedBytes(data[:head], r) + (data[head:] if r.random() < 0.8 else b""))
    return target


def makeModel(folder: Path) -> None:
    """Write a small network with its description, where onnx is installed."""
    import onnx
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 1, 1, 1, 1], [-1.0, 0.5, 1.0])
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "three",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, None, None, None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, None, None, None])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    labels = {"background": 0, "edema": 1, "core": 3}
    (folder / "model.json").write_text(json.dumps({"channels": ["T1c"], "labels": labels, "spacing": [2, 2, 2]}))


def makeSources(folder: Path) -> None:
    """Write one good input of every kind, small ones."""
    phantom = makePhantom(spacingFactor=5.0)
    inputs = writePhantom(phantom, folder / "input")
    for path in map(Path, inputs.values()):
        path.rename(folder / path.name)
    small = sitk.Cast(phantom.ct, sitk.sitkInt16)[:12, :10, :6]
    writeSource(folder / "series", "CT", small)
    for name in ("small.nrrd", "small.mha", "small.nii"):
        sitk.WriteImage(small, str(folder / name))
    for name in ("small.tfm", "small.h5"):
        sitk.WriteTransform(phantom.ctToMri, str(folder / name))
    labels = sitk.Cast(small > 0, sitk.sitkUInt8)
    rows = [f"P{index},{x:.2f},{y:.2f},{z:.2f}" for index, (x, y, z) in enumerate(phantom.ctLandmarks.tolist())]
    (folder / "ct.csv").write_text("\n".join(["label,l,p,s", *rows]))
    (folder / "ct.tsv").write_text("\n".join(["name,x_lps,y_lps,z_lps", *rows]).replace(",", "\t"))
    (folder / "wide.csv").write_bytes("\n".join(["label,r,a,s", *rows]).encode("utf-16"))
    columns = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"
    markups = [row.replace(",", ",", 1) + ",0,0,0,1,1,1,0,name,," for row in rows]
    header = f"# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n# columns = {columns}\n"
    (folder / "ct.fcsv").write_text(header + "\n".join(markups))
    for name in ("ct", "mri"):
        slice_ = sitk.Cast(sitk.RescaleIntensity(getattr(phantom, name)[:, :, 15], 0, 255), sitk.sitkUInt8)
        sitk.WriteImage(slice_, str(folder / f"{name}.png"))
    for name in ("pixels.csv", "places.csv"):
        (folder / name).write_text("name,x,y\nA,3,4\nB,10,20\nC,30,5\n")
    linear = "1 0 0 5\n0 1 0 6\n0 0 1 7;\n"
    (folder / "small.xfm").write_text(f"MNI Transform File\nTransform_Type = Linear;\nLinear_Transform =\n{linear}")
    study = studyFor(readSeries(folder / "series").header, None, (small,), "1.0")
    registrationObject(study, phantom.ctToMri, small).save_as(folder / "registration.dcm", enforce_file_format=True)
    regions = [RegionOfInterest("Tumor", sitk.GetArrayFromImage(labels) > 0, (1, 0, 0), "GTV")]
    structureSetObject(study, small, regions).save_as(folder / "contours.dcm", enforce_file_format=True)
    sitk.WriteImage(labels, str(folder / "small.seg.nrrd"))
    targets = {"ct": phantom.targets.tolist(), "mr": phantom.targets.tolist(), "coordinateSystem": "LPS"}
    (folder / "targets.json").write_text(json.dumps(targets))
    makeModel(folder)
    run = folder / "run"
    run.mkdir()
    sitk.WriteImage(small, str(run / "mri_registered.nrrd"))
    sitk.WriteImage(labels, str(run / "tumor.seg.nrrd"))
    identity = {"patient_id": "P1", "study_date": "20240101"}
    document = {"registration": {"model": "rigid"}, "tumor": {"volume_ml": 2.0}, "dicom": {"mri": identity}}
    (run / "measurements.json").write_text(json.dumps(document))
