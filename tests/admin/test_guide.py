"""The guides: on pages, in the documentation, with drawings of ours; and the test of a command endpoint."""

from __future__ import annotations

import io
from html import unescape
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.channels.models import Team
from apps.commands import services
from apps.commands.models import CommandEndpoint, CommandUse
from connectors_site.pages.guide import GUIDES
from tests.admin.test_roles import signed_in
from tools import draw_guide

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
@pytest.mark.parametrize("slug", GUIDES)
def test_everybody_may_read_a_guide_and_each_picture_has_words(role: str, slug: str) -> None:
    page = unescape(signed_in(role).get(reverse("admin:guide", args=[slug])).content.decode())
    for step in GUIDES[slug].steps:
        assert bool(step.picture) == bool(step.alt)
        assert step.title in page
    assert "What can go wrong" in page


@pytest.mark.django_db
def test_there_is_no_other_guide_and_none_for_strangers() -> None:
    assert signed_in("viewer").get("/admin/guide/other/").status_code == 404
    assert Client().get(reverse("admin:guide", args=["workflow"])).status_code == 302


def test_the_drawings_are_what_the_tool_draws_and_each_is_used() -> None:
    drawn = dict(draw_guide.drawn())
    for name, content in drawn.items():
        assert (draw_guide.TARGET / name).read_text() == content, "run: make docs"
    used = {step.picture for each in GUIDES.values() for step in each.steps if step.picture}
    assert used == set(draw_guide.PICTURES)
    assert {file.name for file in draw_guide.TARGET.iterdir()} == set(drawn)


def test_the_written_guides_are_those_of_the_pages() -> None:
    made = io.StringIO()
    call_command("document_guides", stdout=made)
    assert made.getvalue() == (ROOT / "docs/guides.md").read_text(), "run: make docs"


@pytest.mark.django_db
def test_the_set_up_page_leads_to_the_guide() -> None:
    page = signed_in("admin").get(reverse("admin:connect", args=["github"])).content.decode()
    assert reverse("admin:guide", args=["workflow"]) in page


@pytest.mark.django_db
def test_a_command_endpoint_is_tested_without_a_trace() -> None:
    row = services.create_endpoint("A & B", Team.objects.create(name="Platform"), TOKEN)
    client = signed_in("operator")
    page = client.post(reverse("admin:commands_commandendpoint_do", args=[row.pk, "trial"])).content.decode()
    assert "What you can ask" in page
    assert TOKEN not in page
    row.refresh_from_db()
    assert row.last_used_at is None
    assert not CommandUse.objects.exists()


@pytest.mark.django_db
def test_a_token_that_cannot_sign_is_explained_and_none_offers_no_test() -> None:
    row = CommandEndpoint.objects.create(name="Old", team=Team.objects.create(name="Platform"), token="%%%")
    client = signed_in("operator")
    url = reverse("admin:commands_commandendpoint_do", args=[row.pk, "trial"])
    assert "Paste the token that Teams showed again" in client.post(url).content.decode()
    row.token = ""
    row.save()
    page = client.get(reverse("admin:commands_commandendpoint_change", args=[row.pk])).content.decode()
    assert "/do/trial/" not in page
