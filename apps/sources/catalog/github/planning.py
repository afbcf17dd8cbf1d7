"""Milestones and projects."""

from __future__ import annotations

from apps.sources.sdk import Events

from .table import Family, register

events = Events()
EDITS = {"created": "Created", "edited": "Edited", "deleted": "Deleted"}
ITEMS = {
    **EDITS,
    "archived": "Archived",
    "restored": "Restored",
    "converted": "Converted",
    "reordered": "Moved",
}
VALUE = "$.changes.field_value.{0}.name|$.changes.field_value.{0}.title|$.changes.field_value.{0}"
FAMILIES = (
    Family(
        "milestone", "Milestone", "Planning", ("$.milestone.title",), ("$.milestone.html_url",), "milestones",
        facts={"Due": "$.milestone.due_on", "Open": "$.milestone.open_issues", "Closed": "$.milestone.closed_issues"},
        text="$.milestone.description",
        actions={**EDITS, "opened": "Reopened", "closed": "Closed"}, defaults=("created", "closed"),
    ),
    Family(
        "project", "Project", "Planning", ("$.project.name",), ("$.project.html_url",), "projects",
        text="$.project.body", actions={**EDITS, "closed": "Closed", "reopened": "Reopened"},
    ),
    Family(
        "project_card", "Project card", "Planning", ("$.project_card.note",), ("$.project_card.html_url",), "projects",
        issue="$.project_card.content_url",
        actions={**EDITS, "converted": "Converted to an issue", "moved": "Moved"},
    ),
    Family(
        "project_column", "Project column", "Planning", ("$.project_column.name",), ("$.project_column.html_url",),
        "projects", actions={**EDITS, "moved": "Moved"},
    ),
    Family(
        "projects_v2", "Project", "Planning", ("$.projects_v2.title",), ("$.projects_v2.html_url",),
        facts={"Description": "$.projects_v2.short_description"},
        actions={**EDITS, "closed": "Closed", "reopened": "Reopened"},
    ),
    Family(
        "projects_v2_item", "Project item", "Planning", ("$.projects_v2_item.content_type",),
        ("$.projects_v2_item.html_url",),
        facts={"Field": "$.changes.field_value.field_name", "From": VALUE.format("from"), "To": VALUE.format("to")},
        actions=ITEMS, spoken=True,
    ),
    Family(
        "projects_v2_status_update", "Project status update", "Planning", ("$.projects_v2_status_update.status",), (),
        facts={"Start": "$.projects_v2_status_update.start_date", "Target": "$.projects_v2_status_update.target_date"},
        text="$.projects_v2_status_update.body", actions=EDITS, spoken=True,
    ),
)  # fmt: skip
for _family in FAMILIES:
    register(events, _family)
