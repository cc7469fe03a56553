"""A small extension of the Jupyter server: a notebook that is opened before anything runs shows its pictures.

A display of ours holds a live view, a picture and words. Jupyter's front ends choose the live view even where its kernel
has gone, and then show "Loading widget…" or "model not found" for ever. So where a notebook is read, the views are left
out whose process does not run (none runs, or the kernel was restarted), and the front end takes the picture; the file
itself stays as it is.
"""

from __future__ import annotations

__all__ = ["without_dead_views"]

VIEW = "application/vnd.jupyter.widget-view+json"


def without_dead_views(notebook: dict, process: int | None = None) -> dict:
    """The notebook without live views that have a picture or words beside them, and whose state the file does not hold.

    Args:
        process: of the kernel that runs for the notebook. Its own views stay, and those that do not say whose they are.
    """
    saved = notebook.get("metadata", {}).get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for cell in notebook.get("cells", ()):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            view = data.get(VIEW)
            if isinstance(view, dict) and view.get("model_id") not in saved and (process is None or view.get("process", process) != process) and any(kind in data for kind in ("image/svg+xml", "image/png", "text/plain")):
                del data[VIEW]
    return notebook


def process_of(kernels, session: dict) -> int | None:
    """The process number of a session's kernel; None where it can't be known (a kernel elsewhere)."""
    try:
        return kernels.get_kernel(session["kernel"]["id"]).provisioner.pid
    except (AttributeError, KeyError):
        return None


def _load_jupyter_server_extension(app) -> None:
    """Called by Jupyter's server when it starts."""
    from jupyter_core.utils import ensure_async

    contents, sessions = app.contents_manager, app.session_manager
    read = contents.get

    async def get(path, content=True, type=None, format=None, **options):
        model = await ensure_async(read(path, content=content, type=type, format=format, **options))
        if content and model.get("type") == "notebook" and isinstance(model.get("content"), dict):
            running = [session for session in await ensure_async(sessions.list_sessions()) if session.get("path", "").strip("/") == path.strip("/")]
            process = process_of(app.kernel_manager, running[0]) if running else None
            if process is not None or not running:
                without_dead_views(model["content"], process)
        return model

    contents.get = get


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": "autodiff_lab.notebook.server"}]
