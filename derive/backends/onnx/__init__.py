"""ONNX models: a cell with its parameters, to be run where Python is not."""

from derive.backends import no_overview as overview
from derive.backends.onnx.model import OPTIONS, POLICY, files, onnx

STORES = ("all",)  # a model runs forward alone, and keeps nothing

__all__ = ["OPTIONS", "POLICY", "STORES", "files", "onnx", "overview"]
