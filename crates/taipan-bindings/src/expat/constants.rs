//! The constants of the module, and its submodules `errors` and `model`.

use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Value, Vm};
use taipan_interp::module::Module;
use taipan_stdlib::support::add;
use taipan_types::list::new_list;
use taipan_xml::{ContentKind, ErrorCode, Quantifier};

/// What the parser can do, as expat tells it.
const FEATURES: [(&str, i64); 10] = [
    ("sizeof(XML_Char)", 1),
    ("sizeof(XML_LChar)", 1),
    ("XML_DTD", 0),
    ("XML_CONTEXT_BYTES", 1024),
    ("XML_NS", 0),
    ("XML_BLAP_MAX_AMP", 100),
    ("XML_BLAP_ACT_THRES", 8 << 20),
    ("XML_GE", 0),
    ("XML_AT_MAX_AMP", 100),
    ("XML_AT_ACT_THRES", 64 << 20),
];

const MODEL: [(&str, i64); 10] = [
    ("XML_CTYPE_EMPTY", ContentKind::Empty as i64),
    ("XML_CTYPE_ANY", ContentKind::Any as i64),
    ("XML_CTYPE_MIXED", ContentKind::Mixed as i64),
    ("XML_CTYPE_NAME", ContentKind::Name as i64),
    ("XML_CTYPE_CHOICE", ContentKind::Choice as i64),
    ("XML_CTYPE_SEQ", ContentKind::Sequence as i64),
    ("XML_CQUANT_NONE", Quantifier::Once as i64),
    ("XML_CQUANT_OPT", Quantifier::Optional as i64),
    ("XML_CQUANT_REP", Quantifier::Repeated as i64),
    ("XML_CQUANT_PLUS", Quantifier::Plus as i64),
];

/// Makes a submodule; gives its dict.
fn submodule(vm: &mut Vm, dict: &Value, short: &str, doc: &'static str) -> Value {
    let full = format!("pyexpat.{short}");
    let module = Module::create(&full, Some(doc));
    let own_dict = module.expect::<Module>().dict().to_value();
    add(dict, short, module.clone());
    let modules = vm.interpreter().modules.get();
    if let Some(modules) = modules.as_ref().and_then(|modules| modules.cast::<Dict>()) {
        drop(modules.set_name(&name(&full), module));
    }
    own_dict
}

pub fn add_all(vm: &mut Vm, dict: &Value) -> Py<()> {
    let features = FEATURES
        .iter()
        .map(|(feature, value)| new_tuple([new_str(feature), Value::int(*value)]));
    add(dict, "features", new_list(features.collect()));
    for (constant, value) in [
        ("XML_PARAM_ENTITY_PARSING_NEVER", 0),
        ("XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE", 1),
        ("XML_PARAM_ENTITY_PARSING_ALWAYS", 2),
    ] {
        add(dict, constant, Value::int(value));
    }
    let model = submodule(
        vm,
        dict,
        "model",
        "Constants used to interpret content model information.",
    );
    for (constant, value) in MODEL {
        add(&model, constant, Value::int(value));
    }
    let errors = submodule(
        vm,
        dict,
        "errors",
        "Constants used to describe error conditions.",
    );
    let (codes, messages) = (new_dict(), new_dict());
    for (code, constant) in ErrorCode::ALL {
        let (number, text) = (Value::int(*code as i64), new_str(code.text()));
        add(&errors, constant, text.clone());
        drop(codes.expect::<Dict>().insert(vm, &text, number.clone())?);
        drop(messages.expect::<Dict>().insert(vm, &number, text)?);
    }
    add(&errors, "codes", codes);
    add(&errors, "messages", messages);
    Ok(())
}
