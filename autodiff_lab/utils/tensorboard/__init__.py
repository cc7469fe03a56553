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

    def add_pr_curve(self, tag: str, labels, predictions, global_step=None, num_thresholds: int = 127, weights=None, walltime=None) -> None:
        """Precision and recall of yes-or-no predictions, at thresholds from 0 to 1.

        Args:
            labels: True or 1 where the answer is yes.
            predictions: the probability of yes, of the same shape.
            weights: of each of them.
        """
        labels, chances = _array(labels).astype(np.float64).reshape(-1), _array(predictions).reshape(-1)
        count = min(num_thresholds, 127)  # more break the file
        each = 1.0 if weights is None else _array(weights).reshape(-1)
        place = np.floor(chances * (count - 1)).astype(np.int32)
        right, wrong = (np.cumsum(np.histogram(place, count, (0, count - 1), weights=share * each)[0][::-1])[::-1] for share in (labels, 1 - labels))
        missed = right[0] - right
        precision, recall = (right / np.maximum(1e-7, right + others) for others in (wrong, missed))
        self.add_pr_curve_raw(tag, right, wrong, wrong[0] - wrong, missed, precision, recall, global_step, count, None, walltime)

    def add_pr_curve_raw(self, tag: str, true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts, precision, recall, global_step=None,
                         num_thresholds: int = 127, weights=None, walltime=None) -> None:
        """The same from counts at each threshold."""
        from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData

        count = min(num_thresholds, 127)
        curve = np.stack([_array(v) for v in (true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts, precision, recall)])
        self._add_numbers(tag, curve, "pr_curves", PrCurvePluginData(version=0, num_thresholds=count).SerializeToString(), global_step, walltime)

    def add_tensor(self, tag: str, tensor: Tensor, global_step=None, walltime=None) -> None:
        """All numbers of a tensor."""
        self._add_numbers(tag, _array(tensor), "tensor", b"", global_step, walltime)

    def add_histogram_raw(self, tag: str, min, max, num, sum, sum_squares, bucket_limits, bucket_counts, global_step=None, walltime=None) -> None:
        """A histogram from its numbers.

        Raises:
            ValueError: if there are not as many limits as counts.
        """
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        histogram = self._summary.HistogramProto(min=min, max=max, num=num, sum=sum, sum_squares=sum_squares, bucket_limit=bucket_limits, bucket=bucket_counts)
        self._write(self._summary.Summary.Value(tag=tag, histo=histogram), global_step, walltime)

    def add_embedding(self, mat, metadata=None, label_img=None, global_step=None, tag: str = "default", metadata_header=None) -> None:
        """Points for TensorBoard's projector, one in each row of `mat`.

        Args:
            metadata: a label for each point; with `metadata_header`, a list of them.
            label_img: a picture for each point, (N, C, H, W).
        """
        points = _array(mat)
        step = 0 if global_step is None else int(global_step)
        name = f"{step:05d}/{tag}"
        folder = os.path.join(self.log_dir, name)
        os.makedirs(folder, exist_ok=True)
        lines = [f'tensor_name: "{tag}:{step:05d}"', f'tensor_path: "{name}/tensors.tsv"']
        with open(os.path.join(folder, "tensors.tsv"), "w") as file:
            file.writelines("\t".join(str(x.item()) for x in row) + "\n" for row in points)
        if metadata is not None:
            if len(metadata) != len(points):
                raise AssertionError("#labels should equal with #data points")
            rows = [str(v) for v in metadata] if not metadata_header else ["\t".join(map(str, row)) for row in (metadata_header, *metadata)]
            with open(os.path.join(folder, "metadata.tsv"), "w") as file:
                file.writelines(row + "\n" for row in rows)
            lines.append(f'metadata_path: "{name}/metadata.tsv"')
        if label_img is not None:
            pictures = _array(label_img)
            if len(pictures) != len(points):
                raise AssertionError("#images should equal with #data points")
            with open(os.path.join(folder, "sprite.png"), "wb") as file:
                file.write(_png(_sheet(pictures)))
            lines += ["sprite {", f'  image_path: "{name}/sprite.png"', f"  single_image_dim: {pictures.shape[3]}", f"  single_image_dim: {pictures.shape[2]}", "}"]
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "a") as file:
            file.write("embeddings {\n" + "\n".join(lines) + "\n}\n")

    def add_custom_scalars(self, layout: dict) -> None:
        """Which curves stand in one picture: {category: {title: ["Multiline", [tags]] or ["Margin", [middle, lower, upper]]}}."""
        from tensorboard.plugins.custom_scalar import layout_pb2

        categories = []
        for category, charts in layout.items():
            made = []
            for title, (kind, tags) in charts.items():
                if kind == "Margin":
                    series = layout_pb2.MarginChartContent.Series(value=tags[0], lower=tags[1], upper=tags[2])
                    made.append(layout_pb2.Chart(title=title, margin=layout_pb2.MarginChartContent(series=[series])))
                else:
                    made.append(layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=tags)))
            categories.append(layout_pb2.Category(title=category, chart=made))
        text = layout_pb2.Layout(category=categories).SerializeToString()
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        metadata = self._summary.SummaryMetadata(plugin_data=self._summary.SummaryMetadata.PluginData(plugin_name="custom_scalars"))
        tensor = TensorProto(dtype="DT_STRING", string_val=[text], tensor_shape=TensorShapeProto())
        self._write(self._summary.Summary.Value(tag="custom_scalars__config__", metadata=metadata, tensor=tensor), None, None)

    def add_custom_scalars_multilinechart(self, tags: list, category: str = "default", title: str = "untitled") -> None:
        """Curves in one picture."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(self, tags: list, category: str = "default", title: str = "untitled") -> None:
        """A curve between a lower and an upper one."""
        if len(tags) != 3:
            raise AssertionError("tags must contain exactly 3 elements.")
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    def _add_numbers(self, tag: str, numbers: np.ndarray, plugin: str, content: bytes, step, walltime) -> None:
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        metadata = self._summary.SummaryMetadata(plugin_data=self._summary.SummaryMetadata.PluginData(plugin_name=plugin, content=content))
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=n) for n in numbers.shape])
        tensor = TensorProto(dtype="DT_FLOAT", float_val=numbers.reshape(-1).tolist(), tensor_shape=shape)
        self._write(self._summary.Summary.Value(tag=tag, metadata=metadata, tensor=tensor), step, walltime)

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


def _sheet(pictures: np.ndarray) -> np.ndarray:
    """Pictures (N, C, H, W) in a square of rows and columns, [height, width, 3] of uint8."""
    count, channels, height, width = pictures.shape
    side = int(np.ceil(count ** 0.5))
    sheet = np.zeros((side * height, side * width, 3))
    for k, picture in enumerate(pictures):
        y, x = k // side * height, k % side * width
        sheet[y:y + height, x:x + width] = (picture if channels == 3 else np.repeat(picture[:1], 3, 0)).transpose(1, 2, 0)
    return (sheet * 255).clip(0, 255).astype(np.uint8)


def _png(image: np.ndarray) -> bytes:
    """The bytes of a PNG file from [height, width, channels] of uint8."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(image))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
