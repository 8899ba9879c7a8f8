"""The words of the audit: what each deed is called, said of whoever did it, and what it was done to."""

from app.rendering.words import Translates

AUDIT_KINDS = {
    "account": "Accounts and sign-in",
    "answer": "Answers",
    "channel": "Channels",
    "contact": "People",
    "followup": "Follow-ups",
    "key": "API keys",
    "member": "Members",
    "pulse": "Pulses",
    "schedule": "Schedules",
    "segment": "Audiences",
    "sending": "Sending",
    "survey": "Surveys",
    "workspace": "Workspace",
}
AUDIT_DEEDS = {
    "account.alerts_chosen": "Chose where alerts go",
    "account.chat_disconnected": "Disconnected their chat",
    "account.chat_link_made": "Made a link that connects a chat",
    "account.device_signed_out": "Signed a device out",
    "account.edited": "Edited their account",
    "account.password_changed": "Changed their password",
    "account.reset_link_made": "Made a link to set a password",
    "account.second_factor_removed": "Turned the second factor off",
    "account.second_factor_set_up": "Turned the second factor on",
    "account.signed_out_everywhere": "Signed out everywhere",
    "answer.confirmed": "Confirmed an answer",
    "answer.set_aside": "Set an answer aside",
    "channel.tested": "Sent a test",
    "contact.asked": "Asked somebody",
    "contact.basis_changed": "Changed somebody’s lawful basis",
    "contact.chat_link_made": "Made a link that connects somebody’s chat",
    "contact.bounced": "Recorded that a message came back",
    "contact.complained": "Recorded a complaint about spam",
    "contact.created": "Added somebody",
    "contact.edited": "Edited somebody",
    "contact.erased": "Erased somebody",
    "contact.exported": "Exported all that we hold of somebody",
    "contact.import_undone": "Undid an import of people",
    "contact.imported": "Imported people",
    "contact.objected": "Recorded an objection",
    "contact.objection_lifted": "Lifted an objection",
    "contact.opted_in": "Recorded an opt-in",
    "contact.opted_out": "Recorded an opt-out",
    "contact.reachable_again": "Said that an address works again",
    "contact.put_away": "Made somebody inactive",
    "contact.request_done": "Marked a request as done",
    "contact.request_received": "Recorded a request",
    "contact.taken_back": "Made somebody active again",
    "followup.assigned": "Assigned a follow-up",
    "followup.claimed": "Claimed a follow-up",
    "followup.closed": "Closed a follow-up",
    "followup.contacted": "Spoke with a customer",
    "followup.noted": "Wrote a note",
    "followup.opened": "Opened a follow-up",
    "followup.reopened": "Opened a follow-up again",
    "followup.replied": "Replied to a customer",
    "key.created": "Made an API key",
    "key.revoked": "Revoked an API key",
    "member.invited": "Invited a member",
    "member.removed": "Removed a member",
    "member.role_changed": "Changed a member’s role",
    "pulse.closed": "Closed a pulse",
    "pulse.headline_published": "Handed a headline on",
    "pulse.headline_withdrawn": "Took a headline back",
    "pulse.opened": "Opened a pulse",
    "pulse.resumed": "Let a pulse go on that had paused itself",
    "schedule.cancelled": "Cancelled a schedule",
    "schedule.created": "Made a schedule",
    "schedule.edited": "Edited a schedule",
    "schedule.paused": "Paused a schedule",
    "schedule.resumed": "Resumed a schedule",
    "segment.created": "Saved an audience",
    "segment.deleted": "Deleted an audience",
    "segment.edited": "Edited an audience",
    "segment.tagged": "Tagged the people of an audience",
    "sending.paused": "Paused all sending",
    "sending.resumed": "Resumed all sending",
    "survey.archived": "Archived a survey",
    "survey.created": "Made a survey",
    "survey.edited": "Edited a survey",
    "survey.published": "Published a survey",
    "survey.restored": "Took a survey out of the archive",
    "survey.tested": "Sent a survey to themselves",
    "survey.templates_edited": "Edited a survey’s WhatsApp templates",
    "workspace.created": "Made the workspace",
    "workspace.edited": "Edited the settings",
    "workspace.logo_removed": "Removed the logo",
    "workspace.logo_set": "Set the logo",
    "workspace.retention_applied": "Let go of what was kept long enough",
    "workspace.retention_changed": "Changed how long data is kept",
}


def deed_word(language: Translates, action: str) -> str:
    """What was done; a deed that another version wrote is shown as it is."""
    return language.gettext(AUDIT_DEEDS[action]) if action in AUDIT_DEEDS else action


def audit_kind_word(language: Translates, kind: str) -> str:
    """What deeds are about."""
    return language.gettext(AUDIT_KINDS[kind]) if kind in AUDIT_KINDS else kind


FOR_TEMPLATES = {"deed_word": deed_word, "audit_kind_word": audit_kind_word}
