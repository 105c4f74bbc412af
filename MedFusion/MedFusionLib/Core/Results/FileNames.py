"""The names of the files in a result folder, for whoever writes or reads one."""

REGISTERED_MRI = "mri_registered.nrrd"
REGISTERED_PICTURE = "mri_registered.png"
FUSED_PICTURE = "fused.png"
TUMOR_PICTURE = "tumor.png"
TRANSFORM = "ct_to_mri.h5"
FUSED = "fused.nrrd"
TUMOR = "tumor.seg.nrrd"
MEASUREMENTS = "measurements.json"
MEASUREMENTS_TABLE = "measurements.csv"
REPORT = "report.html"
PDF_REPORT = "report.pdf"
SCENE = "scene.mrb"
COMPARISON = "comparison.json"
FOLLOW_UP_TRANSFORM = "first_to_second.h5"

# What every run writes, and what a comparison reads of it.
RUN_FILES = (REGISTERED_MRI, TRANSFORM, FUSED, TUMOR, MEASUREMENTS, MEASUREMENTS_TABLE, REPORT, SCENE)
COMPARED_FILES = (REGISTERED_MRI, TUMOR, MEASUREMENTS)
