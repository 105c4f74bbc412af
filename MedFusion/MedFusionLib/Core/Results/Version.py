"""The version of MedFusion; in Slicer it is no installed package that could be asked for it."""

VERSION = "0.1.0"
