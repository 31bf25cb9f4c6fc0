"""The operator that writes the night's report, with links to it and to the index, and passes its outcome on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseOperatorLink, Context

from ncnc_airflow.step_task import StepTask

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class ReportLink(BaseOperatorLink):
    """The button that opens the night's report; Airflow keeps its address when the task ends."""

    name = "Report of the night"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address that `ncnc report` printed; empty where it printed none."""
        return getattr(operator, "address", "")


class IndexLink(BaseOperatorLink):
    """The button that opens the index of all nights."""

    name = "All nights"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address that `ncnc report` printed; empty where it printed none."""
        return getattr(operator, "index_address", "")


class ReportTask(StepTask):
    """Run `ncnc report`, keep the addresses that it prints for the links, and pass on by XCom what it says.

    `outcome` is the night's, `needs` what needs a person, and `summary` what decides about a promotion, in Markdown for
    the form of the approval.
    Airflow asks for the links in the process that ran the task, right after it, so attributes are enough.
    """

    operator_extra_links = (ReportLink(), IndexLink())
    ui_color = "#e0e8f0"
    address = ""
    index_address = ""

    def execute(self, context: Context) -> object:
        """Write the report and return the run's name."""
        run_name = super().execute(context)
        self.address = _said(self.last_line, "link")
        self.index_address = _said(self.last_line, "index_link")
        if "ti" in context:
            for name in ("outcome", "summary", "link", "index_link"):
                context["ti"].xcom_push(name, _said(self.last_line, name))
            context["ti"].xcom_push("needs", _line(self.last_line).get("needs") or [])
        return run_name


def _said(last_line: str, field: str) -> str:
    """Return a field of the command's JSON line; empty where it has none."""
    return str(_line(last_line).get(field) or "")


def _line(last_line: str) -> dict[str, Any]:  # Any: JSON
    """Return the command's JSON line; empty where it printed none."""
    try:
        content = json.loads(last_line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
