"""Which of PyTorch's names are here: reads the list of what programs use, and PyTorch itself where it is installed."""

from __future__ import annotations

import importlib
import inspect
import pathlib
import re
import types

LIBRARY = "autodiff_lab"
USED = pathlib.Path(__file__).parents[1] / "data" / "api_by_use.txt"

NAMESPACES = ("", "Tensor", "linalg", "fft", "special", "autograd", "autograd.functional", "func", "nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.parametrize",
              "nn.utils.parametrizations", "nn.utils.prune", "nn.utils.rnn", "optim", "optim.lr_scheduler", "optim.swa_utils", "utils.data", "utils.checkpoint",
              "distributions", "distributions.constraints", "distributions.transforms", "random", "functional")

# What is not dense or not for one machine, or is no interface of its own: (names, reason). The names are patterns that must match whole.
EVERYWHERE = None
EXCLUDED = (
    (EVERYWHERE, r".*sparse.*|(is_)?coalesce.*|smm|spmm|dsmm|saddmm|hsmm|hspmm|sspaddmm|(ccol|crow|col|row)_indices(_copy)?|indices(_copy)?|values(_copy)?|to_dense|dense_dim|SparseAdam",
     "sparse tensors: everything here is dense"),
    (EVERYWHERE, r".*quantize.*|q_.*|int_repr|qscheme|fake_.*|fbgemm.*|choose_qparams.*|fused_moving_avg.*|Q.*Storage|(scaled_)?grouped_mm|scaled_mm|scaled_grouped_mm|ScalingType|SwizzleType",
     "quantised tensors"),
    (EVERYWHERE, r"names|rename_?|align_(as|to|tensors)|refine_names|has_names", "named tensors"),
    (EVERYWHERE, r"nested.*|to_padded_tensor", "nested tensors"),
    (EVERYWHERE, r".*(mkldnn|cudnn|miopen|vulkan|ipu|mtia|maia|xla|xpu|hpu|triton|cuda12).*|is_mps|set_autocast_gpu_dtype|get_autocast_gpu_dtype",
     "back ends that PyTorch has and NumPy and CuPy have not"),
    (EVERYWHERE, r"is_distributed|DataParallel|SyncBatchNorm|DistributedSampler|batch_norm_(stats|elemt|gather_stats|gather_stats_with_counts|backward_.*|update_stats)", "several machines"),
    ("", r"Script.*|LiteScriptModule|JITException|.*Type|Graph.*|.*_traced.*|Block|Code|Use|Node|Value|CallStack|.*ExecutionPlan|AliasDb|FunctionSchema|(Complete)?ArgumentSpec|Argument|NoopLogger|"
     r"parse_.*|import_ir.*|FileCheck|unify_.*|merge_type.*|cpp|Future|fork|wait|IODescriptor|OperatorInfo|Gradient|DeepCopyMemoTable|Logger.*|LockingLogger|(Accelerator|Fatal|OutOfMemory)Error|"
     r"Capsule|PyTorchFile.*|TracingState|ThroughputBenchmark|Benchmark.*|CompilationUnit|.*Dispatch.*|classproperty|Tag|BufferDict|ParameterDict|ModuleDict|ConcreteModuleType.*|StaticModule|"
     r"DisableTorchFunction.*|AggregationType|ErrorReport|(Des|S)erializationStorageContext|compiled_with_cxx11_abi|ScriptObject.*|StreamObjType|Storage|StorageBase|[A-Z]\w*Storage",
     "the compiler's and interpreter's own parts, which no program computes with"),
    (EVERYWHERE, r"chalf|complex32", "types that NumPy has not"),
    ("", r"sym_(constrain|fresh).*|Sym(Int|Bool)Type", "sizes that a compiler keeps open"),
    (EVERYWHERE, r"(?!index_copy|.*pin_).*_copy|native_.*|conv_tbc|convolution|slice_inverse|(rnn_(relu|tanh)|gru|lstm)_cell|get_file_path|thread_safe_generator|factory_kwargs|from_file|hash_tensor|"
     r"grad_dtype|assert_int_or_pair|boolean_dispatch|(handle|has)_torch_function.*|DType|ABC|Iterable|abstractmethod|"
     r"Optional|Tensor|Any|Callable|typename|init_num_threads|segment_reduce|prepare_multiprocessing_environment|LinearCrossEntropy.*|linear_cross_entropy|"
     r"swap_in_optimizer_params_and_state|NestedIOFunction|enforce_grad_layout_policy|DefaultDeviceType|GraphExecGroup|"
     r"SAC_IGNORED_OPS|check_backward_validity|detach_variable|(get|set)_device_states|noop_context_fn|set_checkpoint_(debug_enabled|early_stop)|CheckpointError|CheckpointFunction",
     "variants for the inside of PyTorch, and names that leaked out of its modules"),
    ("Tensor", r"index|module_load|storage_type", "variants for the inside of PyTorch, and names that leaked out of its modules"),
    ("utils.data", r"DataChunk|.*DataPipe|argument_validation|functional_datapipe|.*determinism|non_deterministic|runtime_validation.*", "data pipes, which PyTorch has given up"),
    ("", r"lstsq|eig|solve|symeig|matrix_rank", "removed from PyTorch: only an error is left of them"),
    ("Tensor", r"lstsq|eig|solve|symeig|reinforce", "removed from PyTorch: only an error is left of them"),
    (EVERYWHERE, r"NLLLoss2d|CrossMapLRN2d", "removed from PyTorch: only an error is left of them"),
    (EVERYWHERE, r"debug_unwrap|rearrange|"
     r"GeneralizedPareto|convert_conv.*|replace_all_batch_norm_modules_|CheckpointPolicy|"
     r"SelectiveCheckpointContext|create_selective_checkpoint_contexts", "left for later"),
)
_PATTERNS = tuple((where, re.compile(pattern), reason) for where, pattern, reason in EXCLUDED)


def reason_to_leave_out(namespace: str, name: str) -> str | None:
    """Why a name is not counted, or None."""
    return next((reason for where, pattern, reason in _PATTERNS if where in (None, namespace) and pattern.fullmatch(name)), None)


def resolve(path: str, root: str):
    """The object of a dotted path under a package; the longest part that is a module is imported.

    Raises:
        AttributeError: if there is no such thing.
    """
    parts = path.split(".")
    for cut in range(len(parts), -1, -1):
        try:
            found = importlib.import_module(".".join([root, *parts[:cut]]))
        except ImportError:
            continue
        try:
            for part in parts[cut:]:
                found = getattr(found, part)
            return found
        except AttributeError:
            if cut == 0:
                raise
    raise AttributeError(path)


def present(path: str, root: str = LIBRARY) -> bool:
    """True if the dotted path leads somewhere."""
    try:
        resolve(path, root)
    except (AttributeError, NotImplementedError):
        return False
    return True


def public_names(torch, namespace: str) -> list[str]:
    """The names that PyTorch has in a namespace: `__all__` where there is one, else what is callable."""
    owner = resolve(namespace, "torch") if namespace else torch
    if namespace == "Tensor":
        return [n for n in dir(owner) if not n.startswith("_")]
    stated = getattr(owner, "__all__", None) if namespace else None
    found = stated or [n for n in dir(owner) if callable(getattr(owner, n)) and not isinstance(getattr(owner, n), types.ModuleType)]
    return [n for n in found if not n.startswith("_")]


def compare(torch, namespace: str):
    """(names that count, those that are missing, {reason: names left out})."""
    counted, missing, left_out = [], [], {}
    for name in sorted(public_names(torch, namespace)):
        reason = reason_to_leave_out(namespace, name)
        if reason:
            left_out.setdefault(reason, []).append(name)
            continue
        counted.append(name)
        if not present(f"{namespace}.{name}" if namespace else name):
            missing.append(name)
    return counted, missing, left_out


def used() -> list[tuple[int, str, list[str]]]:
    """What programs use: (how many, name without "torch.", keywords)."""
    found = []
    for line in USED.read_text().splitlines():
        match = re.match(r"\s*(\d+)\s+torch\.(\S+)(?:\s+\[(.*)\])?", line)
        if match:
            keywords = [part.rsplit(" ", 1)[0] for part in (match[3] or "").split(", ") if part]
            found.append((int(match[1]), match[2], keywords))
    return found


def takes(function, keyword: str) -> bool | None:
    """Whether a function has the keyword; None where that cannot be seen from outside."""
    forms = [function]
    if hasattr(function, "op"):
        forms.append(function.op.built.forward)  # as written out, with NumPy's spellings of dim and with out
    if isinstance(function, type):
        forms = [function.__init__ if function.__init__ is not object.__init__ else function.__new__]
    try:
        parameters = {name: p for form in forms for name, p in inspect.signature(form).parameters.items()}
    except (ValueError, TypeError):
        return None
    if keyword in parameters:
        return True
    return None if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters.values()) else False
