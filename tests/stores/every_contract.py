"""All contracts under the names that pytest collects: `from stores.every_contract import *`."""

from stores.changes_contract import ChangesContract
from stores.directory_contract import AccountsContract, CredentialsContract, TenantsContract
from stores.label_contract import LabelContract
from stores.lease_contract import LeaseContract
from stores.mail_contract import AppendContract, DeliverContract
from stores.mailboxes_contract import MailboxesContract
from stores.metadata_contract import MetadataContract
from stores.neighbour_contract import NeighbourContract
from stores.node_contract import NodeContract
from stores.placement_contract import FlagsContract, MoveContract
from stores.queue_contract import (
    EventsContract,
    OperateContract,
    ScheduleContract,
    SubmitContract,
)
from stores.quota_contract import QuotaContract
from stores.reference_contract import ReferenceContract
from stores.sharing_contract import AclContract, SeenContract, TransferContract
from stores.undelete_contract import UndeleteContract
from stores.urlkey_contract import UrlKeyContract
from stores.virtual_contract import VirtualContract

__all__ = [
    "TestAccounts",
    "TestAcl",
    "TestAppend",
    "TestChanges",
    "TestCredentials",
    "TestDeliver",
    "TestEvents",
    "TestFlags",
    "TestLabels",
    "TestLeases",
    "TestMailboxes",
    "TestMetadata",
    "TestMove",
    "TestNeighbours",
    "TestNodes",
    "TestOperate",
    "TestQuota",
    "TestReferences",
    "TestSchedule",
    "TestSeen",
    "TestSubmit",
    "TestTenants",
    "TestTransfer",
    "TestUndelete",
    "TestUrlKeys",
    "TestVirtual",
]

TestAccounts = AccountsContract
TestAcl = AclContract
TestAppend = AppendContract
TestChanges = ChangesContract
TestCredentials = CredentialsContract
TestDeliver = DeliverContract
TestEvents = EventsContract
TestFlags = FlagsContract
TestLabels = LabelContract
TestLeases = LeaseContract
TestMailboxes = MailboxesContract
TestMetadata = MetadataContract
TestMove = MoveContract
TestNeighbours = NeighbourContract
TestNodes = NodeContract
TestOperate = OperateContract
TestQuota = QuotaContract
TestReferences = ReferenceContract
TestSchedule = ScheduleContract
TestSeen = SeenContract
TestSubmit = SubmitContract
TestTenants = TenantsContract
TestTransfer = TransferContract
TestUndelete = UndeleteContract
TestUrlKeys = UrlKeyContract
TestVirtual = VirtualContract
