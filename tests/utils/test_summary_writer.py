"""What `SummaryWriter` writes, read back and compared with what PyTorch's writes."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")


def values(folder):
    """Every value in the event files of a folder, without the times."""
    found = []
    for file in sorted(folder.glob("events*")):
        for event in loader.LegacyEventFileLoader(str(file)).Load():
            found += [(event.step, value.tag, value.metadata.plugin_data.plugin_name, value.metadata.plugin_data.content, value.tensor.SerializeToString() or value.histo.SerializeToString())
                      for value in event.summary.value]
    return found


def write(library, folder):
    if library is torch:
        from torch.utils.tensorboard import SummaryWriter
    else:
        from autodiff_lab.utils.tensorboard import SummaryWriter
    rng = np.random.default_rng(0)
    labels, chances = rng.integers(0, 2, 100), rng.random(100)
    writer = SummaryWriter(str(folder))
    writer.add_pr_curve("curve", library.tensor(labels), library.tensor(chances), 3)
    writer.add_pr_curve("few", labels, chances, 4, num_thresholds=5, weights=np.arange(100.0))
    writer.add_histogram_raw("raw", 0.0, 2.0, 3, 4.0, 5.0, [1.0, 2.0], [1, 2], 6)
    writer.add_custom_scalars({"A": {"one": ["Multiline", ["x", "y"]], "two": ["Margin", ["x", "y", "z"]]}})
    writer.add_custom_scalars_multilinechart(["x", "y"])
    writer.add_custom_scalars_marginchart(["x", "y", "z"])
    writer.add_tensor("tensor", library.tensor([[1.0, 2.0]]), 7)
    points = library.tensor(rng.normal(size=(5, 3)).astype("f4"))
    writer.add_embedding(points, metadata=list("abcde"), label_img=library.tensor(rng.random((5, 3, 4, 4)).astype("f4")), global_step=2)
    writer.add_embedding(points, metadata=[(k, k * 2) for k in range(5)], metadata_header=["k", "twice"], tag="second")
    with pytest.raises(AssertionError, match="#labels"):
        writer.add_embedding(points, metadata=list("ab"), tag="third")
    writer.close()


def test_files_are_those_that_pytorch_writes(tmp_path):
    write(lab, tmp_path / "ours")
    write(torch, tmp_path / "theirs")
    ours, theirs = values(tmp_path / "ours"), values(tmp_path / "theirs")
    assert [entry[:4] for entry in ours] == [entry[:4] for entry in theirs]
    for mine, reference in zip(ours, theirs, strict=True):
        assert mine[4] == reference[4]
    for file in sorted(path.relative_to(tmp_path / "theirs") for path in (tmp_path / "theirs").rglob("*.tsv")):
        assert (tmp_path / "ours" / file).read_text() == (tmp_path / "theirs" / file).read_text()
    image = pytest.importorskip("PIL.Image")
    mine, reference = (np.asarray(image.open(tmp_path / who / "00002/default/sprite.png")) for who in ("ours", "theirs"))
    assert np.array_equal(mine, reference)


def test_the_projector_reads_the_configuration(tmp_path):
    projector = pytest.importorskip("tensorboard.plugins.projector.projector_config_pb2")
    from google.protobuf import text_format

    write(lab, tmp_path / "ours")
    write(torch, tmp_path / "theirs")
    mine, reference = (text_format.Parse((tmp_path / who / "projector_config.pbtxt").read_text(), projector.ProjectorConfig()) for who in ("ours", "theirs"))
    assert list(mine.embeddings)[:2] == list(reference.embeddings)[:2]
