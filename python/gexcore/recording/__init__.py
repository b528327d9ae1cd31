"""Recorded streams: what a live book was fed with, written and read; see docs/feed.md."""

from __future__ import annotations

from gexcore.recording.reader import Recording, read_recording
from gexcore.recording.recorder import Recorder

__all__ = ["Recorder", "Recording", "read_recording"]
