//! The handlers: their names, what they want to hear of, getting and setting them.

use super::{ExpatState, own, run};
use taipan_core::native::GetSetDef;
use taipan_core::{Py, Value, Vm, getset};
use taipan_xml::interest as want;

/// Which default handler counts, and whether internal entities are expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DefaultKind {
    Plain,
    Expanding,
}

macro_rules! handlers {
    ($($constant:ident $name:literal $want:expr,)*) => {
        /// Names of the handlers, and what events they want.
        pub const HANDLERS: &[(&str, u32)] = &[$(($name, $want)),*];

        #[derive(Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Handler { $($constant),* }

        /// One attribute for each handler.
        pub static GETSET: [GetSetDef; HANDLERS.len()] = [$(
            getset(
                $name,
                |vm, this| Ok(get(vm, this, Handler::$constant)),
                |vm, this, value| set(vm, this, Handler::$constant, value),
                "",
            )
        ),*];
    };
}

handlers! {
    StartElement "StartElementHandler" want::START_ELEMENT,
    EndElement "EndElementHandler" want::END_ELEMENT,
    ProcessingInstruction "ProcessingInstructionHandler" want::PI,
    CharacterData "CharacterDataHandler" want::TEXT,
    UnparsedEntityDecl "UnparsedEntityDeclHandler" want::UNPARSED_ENTITY,
    NotationDecl "NotationDeclHandler" want::NOTATION,
    StartNamespaceDecl "StartNamespaceDeclHandler" want::START_NAMESPACE,
    EndNamespaceDecl "EndNamespaceDeclHandler" want::END_NAMESPACE,
    Comment "CommentHandler" want::COMMENT,
    StartCdataSection "StartCdataSectionHandler" want::START_CDATA,
    EndCdataSection "EndCdataSectionHandler" want::END_CDATA,
    Default "DefaultHandler" want::DEFAULT,
    DefaultExpand "DefaultHandlerExpand" want::DEFAULT,
    NotStandalone "NotStandaloneHandler" want::NOT_STANDALONE,
    ExternalEntityRef "ExternalEntityRefHandler" want::EXTERNAL_ENTITY,
    StartDoctypeDecl "StartDoctypeDeclHandler" want::START_DOCTYPE,
    EndDoctypeDecl "EndDoctypeDeclHandler" want::END_DOCTYPE,
    EntityDecl "EntityDeclHandler" want::ENTITY_DECL,
    XmlDecl "XmlDeclHandler" want::XML_DECL,
    ElementDecl "ElementDeclHandler" want::ELEMENT_DECL,
    AttlistDecl "AttlistDeclHandler" want::ATTLIST_DECL,
    SkippedEntity "SkippedEntityHandler" want::SKIPPED_ENTITY,
}

fn get(vm: &mut Vm, this: &Value, handler: Handler) -> Value {
    let function = own(this).lock(vm).handlers[handler as usize].clone();
    function.unwrap_or_else(Value::none)
}

fn set(vm: &mut Vm, this: &Value, handler: Handler, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.runtime_error("Cannot delete attribute"));
    };
    if handler == Handler::CharacterData {
        // What was collected is for the old handler.
        run::flush(vm, this)?;
    }
    let function = (!value.is_none()).then(|| value.clone());
    let old = {
        let mut state = own(this).lock(vm);
        state.swallow_text = match handler {
            Handler::CharacterData => function.is_none() && state.in_callback,
            _ => state.swallow_text,
        };
        match handler {
            Handler::Default => state.default.0 = DefaultKind::Plain,
            Handler::DefaultExpand => state.default.0 = DefaultKind::Expanding,
            _ => {}
        }
        let old = std::mem::replace(&mut state.handlers[handler as usize], function);
        state.update_interest();
        old
    };
    drop(old);
    Ok(())
}

impl ExpatState {
    pub fn handler(&self, handler: Handler) -> Option<&Value> {
        self.handlers[handler as usize].as_ref()
    }

    /// The default handler that counts.
    pub fn default_handler(&self) -> Handler {
        match self.default.0 {
            DefaultKind::Plain => Handler::Default,
            DefaultKind::Expanding => Handler::DefaultExpand,
        }
    }

    /// Tells the parser what events are wanted.
    pub fn update_interest(&mut self) {
        let mut interest = want::UNKNOWN_ENCODING;
        for (function, (_, bits)) in self.handlers.iter().zip(HANDLERS) {
            if function.is_some() && *bits != want::DEFAULT {
                interest |= bits;
            }
        }
        if self.handler(self.default_handler()).is_some() {
            interest |= want::DEFAULT;
        }
        if self.default.0 == DefaultKind::Plain {
            interest |= want::KEEP_ENTITIES;
        }
        if self.swallow_text {
            interest |= want::TEXT;
        }
        self.parser.set_interest(interest);
    }

    /// Takes all handlers away.
    pub fn clear_handlers(&mut self) -> Vec<Option<Value>> {
        let none = vec![None; HANDLERS.len()];
        let old = std::mem::replace(&mut self.handlers, none);
        self.update_interest();
        old
    }
}
