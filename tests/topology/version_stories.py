"""A shop with a short notice, in versions: what stories about a change of policy are told with."""

from collections.abc import Mapping
from pathlib import Path

SHOP = """
policy:
  controller: tek-zence
  name: Shop
  notice: shop.txt
  version: "{version}"
  published_at: {published}
  effective_from: {effective}
  zone: Europe/Oslo
clauses:
  SHOP-1: Letters are kept for a while.
  SHOP-2: Who buys has a profile.
  SHOP-3: The carrier gets name, address and phone until the delivery.
operator:
{operator}
categories:
  letter: {{fields: [email_message], clauses: SHOP-1}}
  contact: {{fields: [name, address, phone], clauses: SHOP-2}}
purposes:
  answer: {{legal_basis: consent, clauses: SHOP-1}}
  care: {{legal_basis: contract, clauses: SHOP-2}}
  deliver: {{legal_basis: contract, clauses: SHOP-3}}
rules:
  {letters}: {{events: contact.email, categories: letter, purposes: answer, keep: {{period: {period}}}, clauses: SHOP-1}}
  {sale}: {{events: purchase.completed, categories: contact, purposes: care, keep: {{period: {care}}}, clauses: SHOP-2}}
  delivery:
    events: delivery.ordered
    categories: contact
    purposes: deliver
    keep: {{until: delivery.completed, of: order}}
    clauses: SHOP-3
profiles:
  customer:
    per: subject
    categories: contact
    purposes: [{held_for}]
    absorbs: true
    supported_by: purchase.completed
{kept}
    clauses: SHOP-2
recipients:
  delivery:
    class: processor
    stance: allow
    carrier: true
    fields: [name, address, phone]
    events: delivery.ordered
    erase_after: {{until: delivery.completed, of: order}}
    purpose: deliver
    clauses: SHOP-3
"""

FIRST: dict[str, str] = {
    "version": "1", "published": "2024-01-01T00:00:00+01:00", "effective": "2024-01-01T00:00:00+01:00", "operator": "  {}",
    "letters": "letters", "period": "P1Y", "sale": "sale", "care": "P1Y", "held_for": "care", "kept": "",
}  # fmt: skip
SECOND: dict[str, str] = FIRST | {
    "version": "2", "published": "2024-05-01T00:00:00+02:00", "effective": "2024-06-01T00:00:00+02:00",
    "letters": "post", "period": "P1M", "sale": "purchase", "care": "P3M",
}  # fmt: skip


def write(folder: Path, *versions: Mapping[str, str]) -> Path:
    """Write versions of the shop's policy into a folder, one file each."""
    folder.mkdir(exist_ok=True)
    for version in versions:
        (folder / f"shop-{version['version']}.yaml").write_text(SHOP.format(**version))
    return folder
