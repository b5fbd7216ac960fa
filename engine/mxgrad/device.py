"""MXNet 2's module of devices: `Device` and what `mxgrad.context` has (level 5).

>>> from mxgrad.device import Device, cpu, current_device
>>> with Device("cpu", 1):
...     current_device()
cpu(1)
"""
from .context import Device, cpu, cpu_pinned, current_device, gpu, gpu_memory_info, num_gpus

__all__ = ["Device", "cpu", "cpu_pinned", "current_device", "gpu", "gpu_memory_info", "num_gpus"]
