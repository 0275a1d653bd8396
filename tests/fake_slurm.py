"""A cluster's accounting in memory that obeys `sacctmgr` and `scontrol`, and refuses at random."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from api.slurm import SlurmRefused

CONFIG = """ClusterName             = duru
AccountingStorageType   = accounting_storage/slurmdbd
AccountingStorageEnforce = associations,limits,qos,safe
AccountingStorageTRES   = cpu,gres/gpu,gres/gpu:h200,gres/gpu:b200
PriorityType            = priority/multifactor
PriorityDecayHalfLife   = 00:00:00
PriorityUsageResetPeriod = NONE
SlurmctldParameters     = max_dbd_msg_action=exit
"""
BARE = {"GrpTRESMins": "", "MaxTRESPerJob": "", "GrpSubmitJobs": "", "QOS": "normal"}
SHOWN = ("GrpTRESMins", "MaxTRESPerJob", "GrpSubmitJobs")


@dataclass
class FakeSlurm:
    """Accounts by name → parent, associations and QOS by name → settings.

    Attributes:
        fails: how likely a command is to be refused before it does anything.
        commands: how many changed something.
    """

    cluster: str = "duru"
    config: str = CONFIG
    version: str = "slurm-wlm 22.05.8"
    fails: float = 0.0
    chance: Random = field(default_factory=lambda: Random(3))  # noqa: S311 - replayable
    accounts: dict[str, str] = field(default_factory=lambda: {"root": ""})
    places: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    qos: dict[str, dict[str, str]] = field(default_factory=lambda: {"normal": dict(BARE)})
    used: dict[tuple[str, str], int] = field(default_factory=dict)
    reservations: dict[str, dict[str, str]] = field(default_factory=dict)
    commands: int = 0

    def __call__(self, words: Sequence[str], content: str = "") -> str:
        """Obey one command line."""
        read = self._read(list(words))
        if read is not None:
            return read
        if self.chance.random() < self.fails:
            raise SlurmRefused(" ".join(words), "connection refused")
        self.commands += 1
        self._change(list(words), content)
        return ""

    def _read(self, words: list[str]) -> str | None:
        told = {
            "assoc": self._associations,
            "qos": self._qos,
            "assoc_mgr": self._used,
            "reservation": self._reserved,
            "config": lambda: self.config,
        }
        if words == ["scontrol", "-V"]:
            return self.version
        if "show" not in words:
            return None
        return told[words[words.index("show") + 1]]()

    def _change(self, words: list[str], content: str) -> None:
        match words:
            case ["sacctmgr", "-i", "load"]:
                self._load(content)
            case ["sacctmgr", "-i", "add", "qos", names, *_]:
                self.qos.update({name: dict(BARE) for name in names.split(",")})
            case ["sacctmgr", "-i", "modify", kind, "where", *rest]:
                self._modify(kind, rest)
            case ["scontrol", verb, *rest]:
                self._reserve(verb, dict(each.split("=", 1) for each in rest if "=" in each))
            case _:
                raise AssertionError(words)

    def _qos(self) -> str:
        return "".join(
            f"{name}|{'|'.join(each[key] for key in SHOWN)}\n" for name, each in self.qos.items()
        )

    def _reserved(self) -> str:
        return "".join(
            " ".join(f"{key}={value}" for key, value in each.items()) + "\n"
            for each in self.reservations.values()
        )

    def _load(self, text: str) -> None:
        parent = ""
        for line in text.splitlines():
            head, *options = _split(line)
            kind, name = head.split(" - ")
            name = name.strip("'")
            settings = {key: value.strip("'") for key, value in (o.split("=", 1) for o in options)}
            if kind == "Parent":
                assert name == "root" or name in self.accounts, name
                parent = name
            elif kind == "Account":
                self.accounts[name] = parent
            elif kind == "User":
                assert settings.pop("DefaultAccount") == parent
                _set(self.places.setdefault((parent, name), dict(BARE)), settings)
            else:
                assert name == self.cluster

    def _modify(self, kind: str, rest: list[str]) -> None:
        cut = rest.index("set")
        where = {k: v.split(",") for k, v in (each.split("=", 1) for each in rest[:cut])}
        settings = dict(each.split("=", 1) for each in rest[cut + 1 :])
        if kind == "account":
            self.accounts[where["name"][0]] = settings["parent"]
            return
        if kind == "qos":
            reached = [self.qos[name] for name in where["name"]]
        else:
            assert [self.cluster] == where["cluster"]
            reached = [
                each
                for (account, user), each in self.places.items()
                if account in where["account"] and user in where["name"]
            ]
        assert reached, rest
        for each in reached:
            _set(each, settings)

    def _associations(self) -> str:
        rows = [f"{name}|||{parent}||||normal" for name, parent in self.accounts.items()]
        for (account, user), each in self.places.items():
            limits = "|".join(each[key] for key in SHOWN)
            rows.append(f"{account}|{user}|||{limits}|{each['QOS']}")
        return "\n".join(rows) + "\n"

    def _used(self) -> str:
        return "".join(
            f"ClusterName=duru Account={account} UserName={user}(2001) Partition= "
            f"GrpTRESMins=cpu=N(0),gres/gpu=N({minutes}),gres/gpu:h200=N({minutes}) GrpWall=N(0)\n"
            for (account, user), minutes in self.used.items()
        )

    def _reserve(self, verb: str, given: dict[str, str]) -> None:
        name = given["ReservationName"]
        if verb == "delete":
            del self.reservations[name]
            return
        if given.get("StartTime") == "now":
            given["StartTime"] = "2026-04-01T00:00:01"
        self.reservations[name] = self.reservations.get(name, {}) | given


def _split(line: str) -> list[str]:
    """Return the parts between colons that stand in no quotes."""
    parts, quoted = [""], False
    for letter in line:
        quoted ^= letter == "'"
        if letter == ":" and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _set(each: dict[str, str], settings: dict[str, str]) -> None:
    """Set what a command sets: resources one by one, -1 forgets."""
    for key, value in settings.items():
        if "TRES" not in key:
            each[key] = "" if value == "-1" else value
            continue
        amounts = dict(part.split("=") for part in each[key].split(",") if part)
        amounts |= dict(part.split("=") for part in value.split(","))
        kept = [f"{name}={amount}" for name, amount in amounts.items() if amount != "-1"]
        each[key] = ",".join(kept)
