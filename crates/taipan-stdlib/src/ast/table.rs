//! The one table of node classes: what each is a kind of, and its fields.

/// A group of classes with a common base, or (without `nodes`) a class of its own.
pub(super) struct Group {
    pub name: &'static str,
    /// Its nodes have a place in the source; the end of it is optional unless `end_required`.
    pub located: bool,
    pub end_required: bool,
    pub fields: &'static str,
    /// Name and fields.
    pub nodes: &'static [(&'static str, &'static str)],
}

/// A field of a node.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub kind: &'static str,
    pub name: &'static str,
    pub list: bool,
    pub optional: bool,
}

/// The fields written as `kind name, kind? name, kind* name`.
pub(super) fn fields(text: &'static str) -> impl Iterator<Item = Field> {
    text.split(", ").filter_map(|part| {
        let (kind, name) = part.split_once(' ')?;
        let (plain, list) = match kind.strip_suffix('*') {
            Some(plain) => (plain, true),
            None => (kind, false),
        };
        let (plain, optional) = match plain.strip_suffix('?') {
            Some(plain) => (plain, true),
            None => (plain, false),
        };
        Some(Field {
            kind: plain,
            name,
            list,
            optional: optional && !list,
        })
    })
}

const fn group(
    name: &'static str,
    located: bool,
    nodes: &'static [(&'static str, &'static str)],
) -> Group {
    Group {
        name,
        located,
        end_required: false,
        fields: "",
        nodes,
    }
}

const fn single(name: &'static str, located: bool, fields: &'static str) -> Group {
    Group {
        name,
        located,
        end_required: false,
        fields,
        nodes: &[],
    }
}

const fn ending(mut group: Group) -> Group {
    group.end_required = true;
    group
}

const COMPREHENSION: &str = "expr elt, comprehension* generators";
const FUNCTION: &str = "identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, \
                        string? type_comment, type_param* type_params";
const LOOP: &str = "expr target, expr iter, stmt* body, stmt* orelse, string? type_comment";
const WITH: &str = "withitem* items, stmt* body, string? type_comment";
const TRY: &str = "stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody";

/// All classes, in the order in which they are made.
pub(super) static GROUPS: [Group; 19] = [
    group(
        "mod",
        false,
        &[
            ("Module", "stmt* body, type_ignore* type_ignores"),
            ("Interactive", "stmt* body"),
            ("Expression", "expr body"),
            ("FunctionType", "expr* argtypes, expr returns"),
        ],
    ),
    group(
        "stmt",
        true,
        &[
            ("FunctionDef", FUNCTION),
            ("AsyncFunctionDef", FUNCTION),
            (
                "ClassDef",
                "identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params",
            ),
            ("Return", "expr? value"),
            ("Delete", "expr* targets"),
            ("Assign", "expr* targets, expr value, string? type_comment"),
            (
                "TypeAlias",
                "expr name, type_param* type_params, expr value",
            ),
            ("AugAssign", "expr target, operator op, expr value"),
            (
                "AnnAssign",
                "expr target, expr annotation, expr? value, int simple",
            ),
            ("For", LOOP),
            ("AsyncFor", LOOP),
            ("While", "expr test, stmt* body, stmt* orelse"),
            ("If", "expr test, stmt* body, stmt* orelse"),
            ("With", WITH),
            ("AsyncWith", WITH),
            ("Match", "expr subject, match_case* cases"),
            ("Raise", "expr? exc, expr? cause"),
            ("Try", TRY),
            ("TryStar", TRY),
            ("Assert", "expr test, expr? msg"),
            ("Import", "alias* names"),
            ("ImportFrom", "identifier? module, alias* names, int? level"),
            ("Global", "identifier* names"),
            ("Nonlocal", "identifier* names"),
            ("Expr", "expr value"),
            ("Pass", ""),
            ("Break", ""),
            ("Continue", ""),
        ],
    ),
    group(
        "expr",
        true,
        &[
            ("BoolOp", "boolop op, expr* values"),
            ("NamedExpr", "expr target, expr value"),
            ("BinOp", "expr left, operator op, expr right"),
            ("UnaryOp", "unaryop op, expr operand"),
            ("Lambda", "arguments args, expr body"),
            ("IfExp", "expr test, expr body, expr orelse"),
            ("Dict", "expr?* keys, expr* values"),
            ("Set", "expr* elts"),
            ("ListComp", COMPREHENSION),
            ("SetComp", COMPREHENSION),
            (
                "DictComp",
                "expr key, expr value, comprehension* generators",
            ),
            ("GeneratorExp", COMPREHENSION),
            ("Await", "expr value"),
            ("Yield", "expr? value"),
            ("YieldFrom", "expr value"),
            ("Compare", "expr left, cmpop* ops, expr* comparators"),
            ("Call", "expr func, expr* args, keyword* keywords"),
            (
                "FormattedValue",
                "expr value, int conversion, expr? format_spec",
            ),
            (
                "Interpolation",
                "expr value, constant str, int conversion, expr? format_spec",
            ),
            ("JoinedStr", "expr* values"),
            ("TemplateStr", "expr* values"),
            ("Constant", "constant value, string? kind"),
            ("Attribute", "expr value, identifier attr, expr_context ctx"),
            ("Subscript", "expr value, expr slice, expr_context ctx"),
            ("Starred", "expr value, expr_context ctx"),
            ("Name", "identifier id, expr_context ctx"),
            ("List", "expr* elts, expr_context ctx"),
            ("Tuple", "expr* elts, expr_context ctx"),
            ("Slice", "expr? lower, expr? upper, expr? step"),
        ],
    ),
    group(
        "expr_context",
        false,
        &[("Load", ""), ("Store", ""), ("Del", "")],
    ),
    group("boolop", false, &[("And", ""), ("Or", "")]),
    group(
        "operator",
        false,
        &[
            ("Add", ""),
            ("Sub", ""),
            ("Mult", ""),
            ("MatMult", ""),
            ("Div", ""),
            ("Mod", ""),
            ("Pow", ""),
            ("LShift", ""),
            ("RShift", ""),
            ("BitOr", ""),
            ("BitXor", ""),
            ("BitAnd", ""),
            ("FloorDiv", ""),
        ],
    ),
    group(
        "unaryop",
        false,
        &[("Invert", ""), ("Not", ""), ("UAdd", ""), ("USub", "")],
    ),
    group(
        "cmpop",
        false,
        &[
            ("Eq", ""),
            ("NotEq", ""),
            ("Lt", ""),
            ("LtE", ""),
            ("Gt", ""),
            ("GtE", ""),
            ("Is", ""),
            ("IsNot", ""),
            ("In", ""),
            ("NotIn", ""),
        ],
    ),
    single(
        "comprehension",
        false,
        "expr target, expr iter, expr* ifs, int is_async",
    ),
    group(
        "excepthandler",
        true,
        &[("ExceptHandler", "expr? type, identifier? name, stmt* body")],
    ),
    single(
        "arguments",
        false,
        "arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, expr* defaults",
    ),
    single(
        "arg",
        true,
        "identifier arg, expr? annotation, string? type_comment",
    ),
    single("keyword", true, "identifier? arg, expr value"),
    single("alias", true, "identifier name, identifier? asname"),
    single("withitem", false, "expr context_expr, expr? optional_vars"),
    single(
        "match_case",
        false,
        "pattern pattern, expr? guard, stmt* body",
    ),
    ending(group(
        "pattern",
        true,
        &[
            ("MatchValue", "expr value"),
            ("MatchSingleton", "constant value"),
            ("MatchSequence", "pattern* patterns"),
            (
                "MatchMapping",
                "expr* keys, pattern* patterns, identifier? rest",
            ),
            (
                "MatchClass",
                "expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns",
            ),
            ("MatchStar", "identifier? name"),
            ("MatchAs", "pattern? pattern, identifier? name"),
            ("MatchOr", "pattern* patterns"),
        ],
    )),
    group(
        "type_ignore",
        false,
        &[("TypeIgnore", "int lineno, string tag")],
    ),
    ending(group(
        "type_param",
        true,
        &[
            (
                "TypeVar",
                "identifier name, expr? bound, expr? default_value",
            ),
            ("ParamSpec", "identifier name, expr? default_value"),
            ("TypeVarTuple", "identifier name, expr? default_value"),
        ],
    )),
];
