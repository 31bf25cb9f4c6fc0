"""The index of all nights after something that a person did between two nights."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.errors import StepError

if TYPE_CHECKING:
    from pipeline.doors import Doors

logger = logging.getLogger(__name__)


def renew_index(graph: str, doors: Doors) -> None:
    """Bring the index up to the ledger; without an index nothing is made. Costs about a second.

    What the person did is done: where the index cannot be made, that is a warning.
    """
    from pipeline.report.index_publishing import publish_index
    from pipeline.report.kept_index import find_index

    try:
        if find_index(doors, graph) is not None:
            publish_index(doors, graph)
    except StepError as error:
        logger.warning("the index of all nights is as it was before this: %s The next ncnc report renews it.", error)
