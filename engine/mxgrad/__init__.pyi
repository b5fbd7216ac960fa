# Written by tools/stubs.py.
from types import ModuleType

from . import attribute as attribute
from . import autograd as autograd
from . import base as base
from . import callback as callback
from . import context as context
from . import contrib as contrib
from . import device as device
from . import engine as engine
from . import error as error
from . import executor as executor
from . import gluon as gluon
from . import image as image
from . import initializer as initializer
from . import io as io
from . import kvstore as kvstore
from . import log as log
from . import lr_scheduler as lr_scheduler
from . import metric as metric
from . import model as model
from . import module as module
from . import monitor as monitor
from . import name as name
from . import nd as nd
from . import np as np
from . import npx as npx
from . import numpy_dispatch_protocol as numpy_dispatch_protocol
from . import operator as operator
from . import optimizer as optimizer
from . import profiler as profiler
from . import random as random
from . import recordio as recordio
from . import runtime as runtime
from . import symbol as symbol
from . import test_utils as test_utils
from . import testing as testing
from . import util as util
from . import visualization as visualization
from . import image as img
from . import initializer as init
from . import kvstore as kv
from . import module as mod
from . import monitor as mon
from . import np as numpy
from . import npx as numpy_extension
from . import random as rnd
from . import symbol as sym
from . import visualization as viz
from . import nd as ndarray
from .base import MXNetError as MXNetError
from .context import Context as Context
from .context import Device as Device
from .context import cpu as cpu
from .context import cpu_pinned as cpu_pinned
from .context import current_context as current_context
from .context import current_device as current_device
from .context import gpu as gpu
from .context import num_gpus as num_gpus
from .util import is_np_array as is_np_array
from .util import is_np_default_dtype as is_np_default_dtype
from .util import is_np_shape as is_np_shape
from .util import np_array as np_array
from .util import np_default_dtype as np_default_dtype
from .util import np_shape as np_shape
from .util import set_np_shape as set_np_shape
from .util import use_np as use_np
from .util import use_np_array as use_np_array
from .util import use_np_default_dtype as use_np_default_dtype
from .util import use_np_shape as use_np_shape
from .attribute import AttrScope as AttrScope
from .engine import set_num_threads as set_num_threads

__version__: str

def as_mxnet() -> None: ...
