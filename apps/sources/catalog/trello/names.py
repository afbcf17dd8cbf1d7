"""From Trello's action types to the names of our catalogue.

https://developer.atlassian.com/cloud/trello/guides/rest-api/action-types/
"""

from __future__ import annotations

import re

from apps.sources.sdk import Payload

# Trello's type -> our name. updateCard, updateList, updateBoard and a few more are told apart below.
NAMES = {
    "createCard": "card.created", "emailCard": "card.created", "copyCard": "card.copied",
    "convertToCardFromCheckItem": "card.converted", "deleteCard": "card.deleted",
    "moveCardToBoard": "card.arrived", "moveCardFromBoard": "card.left",
    "moveInboxCardToBoard": "card.arrived", "copyInboxCard": "card.copied",
    "addMemberToCard": "card.member_added", "removeMemberFromCard": "card.member_removed",
    "addLabelToCard": "card.labelled", "removeLabelFromCard": "card.unlabelled",
    "voteOnCard": "card.voted", "addAttachmentToCard": "attachment.added",
    "deleteAttachmentFromCard": "attachment.removed",
    "addSticker": "card.sticker", "addStickerToCard": "card.sticker",
    "commentCard": "comment.created", "copyCommentCard": "comment.copied", "updateComment": "comment.edited",
    "deleteComment": "comment.deleted", "addReaction": "comment.reaction", "removeReaction": "comment.reaction",
    "addChecklistToCard": "checklist.added", "createChecklist": "checklist.created",
    "copyChecklist": "checklist.copied", "moveChecklistToCard": "checklist.added",
    "moveChecklistFromCard": "checklist.removed", "removeChecklistFromCard": "checklist.removed",
    "updateChecklist": "checklist.updated", "createCheckItem": "checkitem.created",
    "deleteCheckItem": "checkitem.deleted", "updateCheckItem": "checkitem.updated",
    "updateCheckItemDue": "checkitem.due", "addMemberToCheckItem": "checkitem.assigned",
    "removeMemberFromCheckItem": "checkitem.unassigned",
    "createList": "list.created", "moveListToBoard": "list.arrived", "moveListFromBoard": "list.left",
    "deleteList": "list.deleted", "copyList": "list.created",
    "createBoard": "board.created", "copyBoard": "board.copied", "deleteBoard": "board.deleted",
    "addMemberToBoard": "board.member_added", "removeMemberFromBoard": "board.member_removed",
    "memberJoinedBoard": "board.member_added", "makeAdminOfBoard": "board.member_role",
    "makeNormalMemberOfBoard": "board.member_role", "makeObserverOfBoard": "board.member_role",
    "addAdminToBoard": "board.member_role", "removeAdminFromBoard": "board.member_role",
    "deactivatedMemberInBoard": "board.member_role", "reactivatedMemberInBoard": "board.member_role",
    "addToOrganizationBoard": "board.workspace_added", "removeFromOrganizationBoard": "board.workspace_removed",
    "inviteMemberToBoard": "board.invited", "addInvitationToBoard": "board.invited",
    "deleteBoardInvitation": "board.invitation_deleted", "unconfirmedBoardInvitation": "board.invited",
    "unconfirmedBoardInvitedMember": "board.invited", "addBoardsPinnedToMember": "board.starred",
    "removeBoardsPinnedFromMember": "board.starred",
    "createBoardInvitation": "board.invited", "createBoardPreference": "board.preferences",
    "deleteBoardPreference": "board.preferences", "updateBoardPreference": "board.preferences",
    "createLabel": "label.created", "updateLabel": "label.updated", "deleteLabel": "label.deleted",
    "createOrganization": "workspace.created", "updateOrganization": "workspace.updated",
    "deleteOrganization": "workspace.deleted", "addMemberToOrganization": "workspace.member_added",
    "removeMemberFromOrganization": "workspace.member_removed",
    "makeNormalMemberOfOrganization": "workspace.member_role",
    "makeAdminOfOrganization": "workspace.member_role", "makeObserverOfOrganization": "workspace.member_role",
    "addAdminToOrganization": "workspace.member_role", "removeAdminFromOrganization": "workspace.member_role",
    "deactivatedMemberInOrganization": "workspace.member_role",
    "reactivatedMemberInOrganization": "workspace.member_role",
    "deactivatedMemberInEnterprise": "workspace.member_role", "reactivatedMemberInEnterprise": "workspace.member_role",
    "unconfirmedOrganizationInvitation": "workspace.invited", "createOrganizationInvitation": "workspace.invited",
    "deleteOrganizationInvitation": "workspace.invitation_deleted",
    "addOrganizationToEnterprise": "workspace.enterprise_added",
    "removeOrganizationFromEnterprise": "workspace.enterprise_removed",
    "acceptEnterpriseJoinRequest": "workspace.enterprise_added",
    "withdrawEnterpriseJoinRequest": "workspace.enterprise_removed",
    "addToEnterprisePluginWhitelist": "powerup.allowed", "removeFromEnterprisePluginWhitelist": "powerup.forbidden",
    "enableEnterprisePluginWhitelist": "powerup.allow_list", "disableEnterprisePluginWhitelist": "powerup.allow_list",
    "enablePlugin": "powerup.enabled", "disablePlugin": "powerup.disabled", "enablePowerUp": "powerup.enabled",
    "disablePowerUp": "powerup.disabled", "reopenBoard": "board.reopened",
    "createCustomField": "customfield.created", "updateCustomField": "customfield.updated",
    "deleteCustomField": "customfield.deleted", "updateCustomFieldItem": "card.field_changed",
    "memberJoinedTrello": "member.joined", "updateMember": "member.updated",
}  # fmt: skip
# What `data.old` holds of a changed card -> our name; the first that is there decides.
CARD_CHANGES = (
    ("idList", "card.moved"), ("closed", ""), ("dueComplete", ""), ("name", "card.renamed"),
    ("desc", "card.described"), ("due", "card.due"), ("start", "card.due"), ("idBoard", "card.arrived"),
    ("cover", "card.cover"), ("idAttachmentCover", "card.cover"), ("manualCoverAttachment", "card.cover"),
    ("locationName", "card.location"), ("address", "card.location"), ("coordinates", "card.location"),
    ("isTemplate", "card.template"), ("cardRole", "card.template"), ("dueReminder", "card.reminder"),
    ("pos", "card.reordered"), ("idShort", "card.reordered"), ("subscribed", "card.watched"),
)  # fmt: skip
# Where a change of nothing but the position is only another order.
ORDERED = {
    "updateList": "list.reordered",
    "updateChecklist": "checklist.reordered",
    "updateCheckItem": "checkitem.reordered",
}


def name_of(action: Payload) -> str:
    """The catalogue name of an action."""
    kind = action.opt("$.type")
    data, old = action.sub("$.data"), action.sub("$.data.old")
    if kind == "updateCard":
        return _card(data, old)
    if kind in ORDERED and set(old.keys()) == {"pos"}:
        return ORDERED[kind]
    if kind == "updateList":
        if "closed" in old.keys():  # noqa: SIM118 - a method of Payload
            return "list.archived" if data.flag("$.list.closed") else "list.unarchived"
        return "list.renamed" if old.has("$.name") else "list.updated"
    if kind == "updateBoard":
        if "closed" in old.keys():  # noqa: SIM118
            return "board.closed" if data.flag("$.board.closed") else "board.reopened"
        if old.has("$.name"):
            return "board.renamed"
        return "board.preferences" if {"prefs", "labelNames"} & set(old.keys()) else "board.updated"
    if kind == "updateCheckItemStateOnCard":
        done = data.opt("$.checkItem.state") == "complete"
        return "checkitem.completed" if done else "checkitem.reopened"
    return NAMES.get(kind) or f"other.{snake(kind) or 'unnamed'}"


def _card(data: Payload, old: Payload) -> str:
    keys = set(old.keys())
    if not keys and data.has("$.listBefore"):
        return "card.moved"
    for key, name in CARD_CHANGES:
        if key not in keys:
            continue
        if key == "closed":
            return "card.archived" if data.flag("$.card.closed") else "card.unarchived"
        if key == "dueComplete":
            return "card.completed" if data.flag("$.card.dueComplete") else "card.reopened"
        return name
    return "card.updated"


def snake(kind: str) -> str:
    """`addMemberToCard` -> `add_member_to_card`."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", kind).lower()).strip("_")[:60]
