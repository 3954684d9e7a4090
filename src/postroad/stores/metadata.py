"""What the core asks of the store of annotations (RFC 5464).

They go with their mailbox, stay with it when it is renamed, and a viewer's go with the viewer.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from postroad.model.ids import AccountId, MailboxId, ModSeq
from postroad.model.metadata import AnnotationLimits, Subject

Marks = Mapping[AccountId, ModSeq]
"""By owner of annotations: up to where its changes are known."""


class MetadataStore(Protocol):
    @abstractmethod
    async def annotations(self, subject: Subject) -> Mapping[str, bytes]:
        """Shared ones and the viewer's own, by name. None where there is no such mailbox."""
        ...

    @abstractmethod
    async def annotate(
        self, subject: Subject, values: Mapping[str, bytes | None], limits: AnnotationLimits
    ) -> Marks:
        """Set annotations, or remove those that are None, all or nothing.

        One operation of each owner, whose mod_seq is returned; where nothing differs there is
        none. The mod_seq of the mailbox grows with it. Raises `NotFound`, `TooMany`.
        """
        ...

    @abstractmethod
    async def marks(self, owners: Sequence[AccountId]) -> Marks:
        """The mod_seq of each owner as it is now. An owner that is gone has none."""
        ...

    @abstractmethod
    async def annotated(
        self, owner: AccountId, viewer: AccountId, since: ModSeq
    ) -> Sequence[tuple[ModSeq, MailboxId | None, str]]:
        """Which annotations changed after `since`, as far as the viewer sees them, in order.

        It reaches back as far as changes are kept.
        """
        ...
