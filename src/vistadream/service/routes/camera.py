"""The photo's camera, which is the origin of the world of a scene."""

from __future__ import annotations

from fastapi import APIRouter

from vistadream.runs.paths import RunPaths
from vistadream.service import models
from vistadream.service.photo_camera import photo_camera
from vistadream.service.problems import ProblemError, documented
from vistadream.service.service import Here, Named

router = APIRouter(tags=["results"], prefix="/jobs/{job_id}/camera")


@router.get("", operation_id="get_camera", responses=documented(404, 422))
def get_camera(row: Named, service: Here) -> models.PhotoCamera:
    """The camera of the photo, at which a viewer starts: it stands at the origin and looks along +z, with y down."""
    if (found := photo_camera(RunPaths(service.data.run(row.id)))) is None:
        raise ProblemError(404, "no stage of this job knows the photo's depth yet; wanted initialize to be finished")
    return found
