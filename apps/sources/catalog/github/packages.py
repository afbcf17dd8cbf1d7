"""Packages, Marketplace and Sponsors."""

from __future__ import annotations

from apps.sources.sdk import Events

from .table import Family, register

events = Events()
FAMILIES = (
    Family(
        "package", "Package", "Packages", ("$.package.name",),
        ("$.package.package_version.html_url", "$.package.html_url"), "packages",
        facts={"Version": "$.package.package_version.version", "Type": "$.package.package_type",
               "Tag": "$.package.package_version.container_metadata.tag.name"},
        actions={"published": "Published", "updated": "Updated"}, defaults=("published",),
    ),
    Family(
        "registry_package", "Package", "Packages", ("$.registry_package.name",),
        ("$.registry_package.package_version.html_url", "$.registry_package.html_url"), "packages",
        facts={"Version": "$.registry_package.package_version.version", "Type": "$.registry_package.package_type"},
        actions={"published": "Published (registry)", "updated": "Updated (registry)"},
    ),
    Family(
        "marketplace_purchase", "Marketplace purchase", "Marketplace", ("$.marketplace_purchase.plan.name",),
        facts={"Account": "$.marketplace_purchase.account.login", "Billing": "$.marketplace_purchase.billing_cycle",
               "Was": "$.previous_marketplace_purchase.plan.name", "Effective": "$.effective_date"},
        actions={"purchased": "Bought", "changed": "Plan changed", "cancelled": "Cancelled",
                 "pending_change": "Change pending", "pending_change_cancelled": "Pending change cancelled"},
        defaults=("purchased", "cancelled"),
        phrases={"purchased": "Marketplace plan bought", "changed": "Marketplace plan changed",
                 "cancelled": "Marketplace plan cancelled"},
    ),
    Family(
        "sponsorship", "Sponsorship", "Sponsors", ("$.sponsorship.tier.name",), ("$.sponsorship.sponsor.html_url",),
        facts={"Sponsor": "$.sponsorship.sponsor.login", "For": "$.sponsorship.sponsorable.login",
               "Was": "$.changes.tier.from.name", "Effective": "$.effective_date"},
        actions={"created": "Started", "cancelled": "Ended", "edited": "Edited", "tier_changed": "Tier changed",
                 "pending_cancellation": "Will end", "pending_tier_change": "Tier will change"},
        defaults=("created", "cancelled"),
    ),
)  # fmt: skip
for _family in FAMILIES:
    register(events, _family)
