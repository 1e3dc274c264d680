"""Closed lists of names, as recorded from or published with Twenty 2.21."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Field types in the order the refusal of an unknown one lists them.
TYPES = _words(
    """ACTOR ADDRESS ARRAY BOOLEAN CURRENCY DATE DATE_TIME EMAILS FILES FULL_NAME LINKS MORPH_RELATION MULTI_SELECT
    NUMBER NUMERIC PHONES POSITION RATING RAW_JSON RELATION RICH_TEXT SELECT TEXT TS_VECTOR UUID"""
)

#: Types this stand-in makes; NUMERIC is refused in Twenty's own words.
CREATABLE = frozenset(
    _words(
        """ADDRESS ARRAY BOOLEAN CURRENCY DATE DATE_TIME EMAILS FILES FULL_NAME LINKS MULTI_SELECT NUMBER PHONES
        RATING RAW_JSON RICH_TEXT SELECT TEXT UUID"""
    )
)

#: Names no field may have.
RESERVED = frozenset(
    _words(
        """user users role roles workspace workspaces event events field fields object objects type types index
        relation relations link links currency currencies address addresses plan plans job jobs search searches
        aggregate fullNames featureFlag featureFlags keyValuePair keyValuePairs pageLayout pageLayouts userWorkspace
        userWorkspaces appToken appTokens approvedAccessDomain approvedAccessDomains billingCustomer billingCustomers
        billingEntitlement billingEntitlements billingMeter billingMeters billingProduct billingProducts
        billingSubscription billingSubscriptions"""
    )
)

#: Keys of a field in the answers to its own calls; four more follow when they are set.
FIELD_KEYS = _words(
    """id universalIdentifier label name objectMetadataId type workspaceId defaultValue isActive isLabelSyncedWithName
    isSystem isUIEditable isUIReadOnly options createdAt updatedAt isNullable isUnique applicationId"""
)
FIELD_KEYS_WHEN_SET = _words("description icon settings overrides")

#: Keys of an object in the answers to its own calls.
OBJECT_KEYS = _words(
    """id universalIdentifier isActive isLabelSyncedWithName isRemote isSearchable isSystem isUIEditable isUICreatable
    isUIReadOnly labelPlural labelSingular namePlural nameSingular workspaceId imageIdentifierFieldMetadataId
    labelIdentifierFieldMetadataId createdAt updatedAt description icon applicationId"""
)

#: Filter comparators in the order the refusal of an unknown one lists them.
COMPARATORS = _words("eq neq in containsAny is gt gte lt lte startsWith endsWith like ilike")

#: Sources of an ACTOR, likewise.
ACTOR_SOURCES = _words("EMAIL CALENDAR WORKFLOW AGENT API IMPORT MANUAL SYSTEM WEBHOOK APPLICATION")

#: The texts of an ADDRESS.
ADDRESS_TEXTS = frozenset(
    _words("""addressStreet1 addressStreet2 addressStreet3 addressCity addressState addressPostcode addressCountry""")
)
