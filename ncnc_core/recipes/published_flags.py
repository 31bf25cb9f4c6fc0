"""The command-line flags of the published implementation, mapped to our configurations."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from ncnc_core.config.model import EncoderName, ModelConfig, PredictorName
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.networks.completion import fold_prior

PREDICTORS: dict[str, PredictorName] = {
    "cn0": "gae",
    "scn1": "gae_cn",
    "cn1": "ncn",
    "cn1.5": "ncn2",
    "cn1res": "ncn_diff",
    "incn1cn1": "ncnc",
}
ENCODERS: dict[str, EncoderName] = {name: name for name in get_args(EncoderName)} | {"gcn_cached": "gcn"}
EMBEDDED_DATA_SETS = ("ppa", "ddi")  # whose nodes come as ids: the published code embeds them
FlagValue = str | int | float | bool | None


@dataclass(frozen=True)
class PublishedFlag:
    """A flag, its default in the published code, the fields it sets here, and what there is to know."""

    name: str
    default: FlagValue
    fields: tuple[str, ...] = ()
    note: str = ""


def _same(name: str, default: FlagValue, field: str, note: str = "") -> PublishedFlag:
    return PublishedFlag(name, default, (field,), note)


# Flags whose value is the field's value; what else needs doing is in `_translated`.
_SAME = (
    _same("hiddim", 32, "model.hidden_channels"),
    _same("mplayers", 1, "model.num_layers"),
    _same("jk", False, "model.jumping_knowledge", "the weights are raw N(0, 1) draws, no softmax"),
    _same("res", False, "model.residual", "does nothing where a layer changes the width"),
    _same("ln", False, "model.encoder_layer_norm", "does nothing between pure layers"),
    _same("xdp", 0.3, "model.feature_dropout", "does nothing before a node embedding"),
    _same("gnndp", 0.3, "model.encoder_dropout", "after the input stage, and between layers with weights"),
    _same("tdp", 0.3, "model.output_dropout", "after the last pure layer; does nothing after a layer with weights"),
    _same("gnnedp", 0.3, "model.encoder_edge_dropout"),
    _same("predp", 0.3, "model.predictor_dropout"),
    _same("preedp", 0.3, "model.predictor_edge_dropout"),
    _same("lnnn", False, "model.predictor_layer_norm"),
    _same("beta", 1.0, "model.beta"),
    _same("use_xlin", False, "model.neighbor_transform"),
    _same("twolayerlin", False, "model.two_layer_head"),
    _same("depth", 1, "model.completion_depth", "-1 in the script for citation2: no completion at all; 0 here"),
    _same("probscale", 5.0, "model.completion_scale"),
    _same("alpha", 1.0, "model.completion_alpha"),
    _same("epochs", 40, "training.epochs"),
    _same("batch_size", 8192, "training.batch_size"),
    _same("gnnlr", 0.0003, "training.encoder_learning_rate", "0 freezes the encoder"),
    _same("prelr", 0.0003, "training.predictor_learning_rate"),
)
_TRANSLATED = (
    PublishedFlag("predictor", None, ("model.predictor",), "; ".join(f"{a} is {b}" for a, b in PREDICTORS.items())),
    PublishedFlag(
        "model",
        None,
        ("model.encoder",),
        "the same names; `gcn_cached` is gcn. The published `sage` and `gin` are GCN with another sum and neither "
        "root weight nor MLP; ours are the layers of their papers",
    ),
    PublishedFlag("tailact", False, ("model.neighbor_output_linear",), "the opposite: tailact leaves the Linear out"),
    PublishedFlag(
        "proboffset", 3.0, ("model.completion_offset",), "less ln(pt) / probscale: the two were one parameter"
    ),
    PublishedFlag("pt", 0.5, ("model.completion_offset",), "folded into the offset"),
    PublishedFlag("trndeg", -1, ("model.completion_max_neighbors",), "-1 is null; ours holds in training and scoring"),
    PublishedFlag("maskinput", False, ("training.target_link_removal",), "batch, or off without the flag"),
    PublishedFlag("dataset", None, ("model.node_embedding",), "only, for ppa and ddi; otherwise off"),
)
_SCORING = "does not change the model: how much is scored at a time is found out by itself"
_FILES = "reads or writes files of weights and embeddings: save and load a model instead"
_WITHOUT_EFFECT = (
    PublishedFlag("nnlayers", 3, note="does nothing in any predictor of the table, in the published code either"),
    PublishedFlag("cnprob", 0.0, note="not used in the published code"),
    PublishedFlag("tstdeg", -1, note="see trndeg; the published code draws anew at each scoring"),
    PublishedFlag("splitsize", -1, note=_SCORING),
    PublishedFlag("testbs", 8192, note=_SCORING),
    PublishedFlag("runs", 3, note="run r has training.seed r; one training is one seed here"),
    PublishedFlag("use_valedges_as_input", False, note="no part of the model: give the validation edges to score on"),
    *(PublishedFlag(name, False, note=_FILES) for name in ("save_gemb", "savemod", "loadmod", "savex", "loadx")),
    PublishedFlag("load", None, note=_FILES),
)
_REFUSED = (
    PublishedFlag("learnpt", False, note="broken in the published code; training.calibrate_completion fits the offset"),
    PublishedFlag("increasealpha", False, note="not supported: alpha is constant through a training"),
    PublishedFlag("cndeg", -1, note="not supported: all common neighbours are pooled"),
)
FLAGS = (*_TRANSLATED, *_SAME, *_WITHOUT_EFFECT, *_REFUSED)

# The flags of the head that the published script hands to no GAE.
_NOT_FOR_GAE = {"use_xlin": False, "tailact": False, "twolayerlin": False, "beta": 1.0}


def from_published_flags(flags: Mapping[str, FlagValue]) -> tuple[ModelConfig, TrainingConfig]:
    """Return what a published command trains, in parity mode; a flag not given has its published default.

    A flag is named with or without its dashes, and one that takes no value is given as True. As published means also
    what was an accident; only the predictors cn1.5 and cn1res mean what their flags say, for the published script
    shifts their arguments (edge dropout for layer norm, layer norm for tailact).

    Raises:
        InvalidGraph: a flag, a predictor or an encoder is unknown, or a flag has no counterpart here.
    """
    defaults = {flag.name: flag.default for flag in FLAGS}
    given = {name.lstrip("-"): value for name, value in flags.items()}
    for name in given:
        if name not in defaults:
            raise InvalidGraph(f"--{name} is no published flag. Did you mean --{_nearest(name, defaults)}?")
    for flag in _REFUSED:
        if given.get(flag.name, flag.default) != flag.default:
            raise InvalidGraph(f"--{flag.name} {given[flag.name]}: {flag.note}. Leave the flag out.")
    values = defaults | given
    if values["predictor"] == "cn0":
        values |= _NOT_FOR_GAE
    settings: dict[str, dict[str, Any]] = {"model": {}, "training": {}}  # Any: pydantic checks each value
    for flag in _SAME:
        section, _, field = flag.fields[0].partition(".")
        settings[section][field] = values[flag.name]
    settings["model"]["completion_depth"] = max(int(values["depth"] or 0), 0)
    model = ModelConfig.as_published(**{**settings["model"], **_translated(values)})
    removal = "batch" if values["maskinput"] else "off"
    return model, TrainingConfig.as_published(target_link_removal=removal, **settings["training"])


def _translated(values: Mapping[str, FlagValue]) -> dict[str, Any]:  # Any: pydantic checks each value
    cap = int(values["trndeg"] or -1)
    scale, offset, prior = (float(values[name] or 0) for name in ("probscale", "proboffset", "pt"))
    return {
        "predictor": _known("predictor", values["predictor"], PREDICTORS),
        "encoder": _known("model", values["model"], ENCODERS),
        "neighbor_output_linear": not values["tailact"],
        "completion_offset": fold_prior(scale, offset, prior),
        "completion_max_neighbors": None if cap < 0 else cap,
        "node_embedding": "only" if values["dataset"] in EMBEDDED_DATA_SETS else "off",
    }


def _known(flag: str, value: FlagValue, known: Mapping[str, str]) -> str:
    if value not in known:
        raise InvalidGraph(f"--{flag} {value} has no counterpart here. Give one of: {', '.join(known)}.")
    return known[str(value)]


def _nearest(name: str, known: Mapping[str, object]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]


def flag_table() -> str:
    """Return the table as Markdown, one row a flag."""
    rows = ["| Published flag | Default | Here | |", "|---|---|---|---|"]
    for flag in FLAGS:
        fields = ", ".join(f"`{field}`" for field in flag.fields) or "no field"
        default = "" if flag.default is None else str(flag.default)
        rows.append(f"| `--{flag.name}` | {default} | {fields} | {flag.note} |")
    return "\n".join(rows) + "\n"
