"""Writes event files for TensorBoard, through the package `tensorboard` where it is installed.

Scalars are also told to those who watch the training here, such as the live dashboard.
"""

from __future__ import annotations

import io
import os
import socket
import struct
import sys
import time
import zlib

import numpy as np

from ...core import observe
from ...core.tensor import Tensor

__all__ = ["SummaryWriter"]


def _array(value) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)


class SummaryWriter:
    """Writes scalars, histograms, texts, pictures and hyperparameters to a folder that TensorBoard reads.

    Args:
        log_dir: the folder; default: runs/DATE_HOST.
        comment: appended to the default folder.

    Raises:
        ModuleNotFoundError: if the package `tensorboard` is not installed.
    """

    def __init__(self, log_dir=None, comment: str = "", purge_step=None, max_queue: int = 10, flush_secs: int = 120, filename_suffix: str = ""):
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise ModuleNotFoundError("SummaryWriter needs the package tensorboard, which is not installed: pip install tensorboard. "
                                      "(Without it, autodiff_lab.watch() shows the same curves in the notebook.)", name="tensorboard") from None
        if not log_dir:
            log_dir = os.path.join("runs", time.strftime("%b%d_%H-%M-%S") + "_" + socket.gethostname() + comment)
        self.log_dir = str(log_dir)
        self._event, self._summary = event_pb2.Event, summary_pb2
        self._options = (max_queue, flush_secs, filename_suffix)
        self._make = lambda folder: EventFileWriter(folder, max_queue, flush_secs, filename_suffix)
        self._writer = self._make(self.log_dir)
        self._others: dict = {}

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def _write(self, value, step, walltime, writer=None) -> None:
        event = self._event(wall_time=time.time() if walltime is None else walltime, summary=self._summary.Summary(value=[value]))
        if step is not None:
            event.step = int(step)
        if writer is None and self._writer is None:  # closed before: go on in a new file
            self._writer = self._make(self.log_dir)
        (writer or self._writer).add_event(event)

    def add_scalar(self, tag: str, scalar_value, global_step=None, walltime=None, new_style: bool = False, double_precision: bool = False) -> None:
        """One number of a curve.

        Raises:
            NotImplementedError: for what is no number, in the words that programs know from PyTorch.
        """
        if scalar_value is None or isinstance(scalar_value, (list, tuple, dict)):
            raise NotImplementedError(f"Got {type(scalar_value)}, but numpy array or torch tensor are expected.")
        number = float(scalar_value)
        if observe.followers:
            observe.tell("scalar_logged", tag, number)
        self._write(self._summary.Summary.Value(tag=tag, simple_value=number), global_step, walltime)

    def add_scalars(self, main_tag: str, tag_scalar_dict: dict, global_step=None, walltime=None) -> None:
        """Numbers of several curves in one picture; each curve is written to a folder of its own."""
        for tag, number in tag_scalar_dict.items():
            if observe.followers:
                observe.tell("scalar_logged", f"{main_tag}/{tag}", float(number))
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            if folder not in self._others:
                self._others[folder] = self._make(folder)
            self._write(self._summary.Summary.Value(tag=main_tag, simple_value=float(number)), global_step, walltime, self._others[folder])

    def add_histogram(self, tag: str, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None) -> None:
        """How the values are distributed."""
        values = _array(values).reshape(-1).astype(np.float64)
        if not values.size:
            raise ValueError("The input has no element.")
        counts, edges = np.histogram(values, bins=30 if bins == "tensorflow" else bins)
        histogram = self._summary.HistogramProto(min=values.min(), max=values.max(), num=values.size, sum=values.sum(), sum_squares=(values * values).sum(),
                                                 bucket_limit=edges[1:].tolist(), bucket=counts.tolist())
        self._write(self._summary.Summary.Value(tag=tag, histo=histogram), global_step, walltime)

    def add_text(self, tag: str, text_string: str, global_step=None, walltime=None) -> None:
        """A text in Markdown."""
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        metadata = self._summary.SummaryMetadata(plugin_data=self._summary.SummaryMetadata.PluginData(plugin_name="text"))
        tensor = TensorProto(dtype="DT_STRING", string_val=[text_string.encode()], tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]))
        self._write(self._summary.Summary.Value(tag=tag + "/text_summary", metadata=metadata, tensor=tensor), global_step, walltime)

    def add_image(self, tag: str, img_tensor, global_step=None, walltime=None, dataformats: str = "CHW") -> None:
        """A picture, with values from 0 to 1 (or bytes)."""
        image = _array(img_tensor)
        if image.ndim != len(dataformats):
            raise AssertionError(f"size of input tensor and input format are different. tensor shape: {image.shape}, input_format: {dataformats}")
        image = np.transpose(image, [dataformats.index(axis) for axis in "HWC" if axis in dataformats])
        self._write(self._summary.Summary.Value(tag=tag, image=self._picture(image)), global_step, walltime)

    def add_images(self, tag: str, img_tensor, global_step=None, walltime=None, dataformats: str = "NCHW") -> None:
        """Several pictures side by side."""
        images = np.transpose(_array(img_tensor), [dataformats.index(axis) for axis in "NHWC"])
        self._write(self._summary.Summary.Value(tag=tag, image=self._picture(np.concatenate(list(images), axis=1))), global_step, walltime)

    def add_figure(self, tag: str, figure, global_step=None, close: bool = True, walltime=None) -> None:
        """A matplotlib figure, or a list of them."""
        for one in figure if isinstance(figure, list) else [figure]:
            buffer = io.BytesIO()
            one.savefig(buffer, format="png")
            width, height = (int(n) for n in one.canvas.get_width_height())
            image = self._summary.Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=buffer.getvalue())
            self._write(self._summary.Summary.Value(tag=tag, image=image), global_step, walltime)
            pyplot = sys.modules.get("matplotlib.pyplot")
            if close and pyplot is not None:
                pyplot.close(one)

    def add_graph(self, model, input_to_model=None, verbose: bool = False, use_strict_trace: bool = True) -> None:
        """Accepted; nothing is written: there is no trace here. `autodiff_lab.show(output)` draws the graph."""

    def add_hparams(self, hparam_dict: dict, metric_dict: dict, hparam_domain_discrete=None, run_name=None, global_step=None) -> None:
        """Hyperparameters as a text, and the figures they led to."""
        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        self.add_text("hparams", "\n".join(f"* {key}: {value}" for key, value in hparam_dict.items()), global_step)
        for tag, number in metric_dict.items():
            self.add_scalar(tag, number, global_step)

    def _picture(self, image: np.ndarray):
        if image.ndim == 2:
            image = image[:, :, None]
        if image.dtype != np.uint8:
            image = (np.clip(image.astype(np.float64), 0, 1) * 255).astype(np.uint8)
        height, width, channels = image.shape
        return self._summary.Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=_png(image))

    def _writers(self) -> list:
        return [writer for writer in (self._writer, *self._others.values()) if writer is not None]

    def flush(self) -> None:
        """Write everything to disk."""
        for writer in self._writers():
            writer.flush()

    def close(self) -> None:
        """Write everything and end. Whatever is added later goes to a new file."""
        for writer in self._writers():
            writer.flush()
            writer.close()
        self._writer, self._others = None, {}

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def _png(image: np.ndarray) -> bytes:
    """The bytes of a PNG file from [height, width, channels] of uint8."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(image))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
