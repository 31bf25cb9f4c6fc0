"""The operator that writes the night's report, with links to it and to the index, and passes its outcome on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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

    `outcome` is the night's, and `summary` what decides about it, in Markdown for the form that a person answers.
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
            for name in ("outcome", "summary"):
                context["ti"].xcom_push(name, _said(self.last_line, name))
        return run_name


def _said(last_line: str, field: str) -> str:
    """Return a field of the command's JSON line; empty where it has none."""
    try:
        content = json.loads(last_line)
    except ValueError:
        return ""
    return str(content.get(field) or "") if isinstance(content, dict) else ""
