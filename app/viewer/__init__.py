"""The viewer: a component of our own that draws the maps in the browser from raw values."""

from app.viewer.viewer import NO_RESULTS, Viewer

__all__ = ["NO_RESULTS", "Viewer"]
