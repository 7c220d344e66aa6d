//! Parsers of external entities, which the handler of a reference makes, and what they share with their parent.

use super::{Parser, Phase};
use crate::dtd::{DEFAULT_PREFIX, Declarations};
use crate::error::ErrorCode;
use crate::limits::Limits;
use crate::roles::Roles;
use std::sync::{Arc, Mutex, PoisonError};

type Place = Arc<Mutex<Option<Box<Declarations>>>>;

/// The parser of a parameter entity works on its parent's declarations. They are in one place: with whoever works, or here.
#[derive(Default)]
pub(super) struct Slot {
    /// Shared with parsers of parameter entities of this one.
    below: Option<Place>,
    /// Shared with the parser that this one was made from.
    above: Option<Place>,
    /// This parser's declarations are not with it: `decls` is a stand-in.
    lent: bool,
}

impl Slot {
    #[inline(always)]
    pub fn is_lent(&self) -> bool {
        self.lent
    }
}

fn take(place: &Place) -> Option<Box<Declarations>> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn put(place: &Place, declarations: Box<Declarations>) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(declarations);
}

impl Parser {
    /// A parser for an external entity. `context` is what [`crate::Event::ExternalEntityRef`] gave: without one the entity is a
    /// parameter entity or the external subset, and what it declares is declared for this parser.
    pub fn external_entity_parser(
        &mut self,
        context: Option<&str>,
        encoding: Option<&str>,
    ) -> Parser {
        let mut child = match context {
            Some(context) => {
                // While somebody else works on the declarations there is nothing to copy.
                let known = !self.slot.lent || self.reclaim().is_ok();
                let decls = match known {
                    true => self.decls.clone(),
                    false => Box::new(Declarations::new()),
                };
                let mut child = Parser::blank(decls, true);
                child.phase = Phase::TextDecl;
                for entity in &mut child.decls.entities {
                    entity.open = false;
                }
                child.set_context(context);
                child
            }
            None => {
                let mut child = Parser::blank(Box::new(Declarations::new()), false);
                child.roles = Roles::for_external_subset();
                child.param_entity = true;
                let place = self.slot.below.get_or_insert_default().clone();
                child.slot.above = Some(place);
                child.slot.lent = true;
                self.lend();
                child
            }
        };
        child.set_encoding_name(encoding);
        child.namespaces = self.namespaces;
        child.triplets = self.triplets;
        child.interest = self.interest;
        child.base = self.base.clone();
        child.deferral = self.deferral;
        child.param_entity_parsing = self.param_entity_parsing;
        child.limits = self.limits.clone();
        child.is_root = false;
        child
    }

    /// Lets the parsers of parameter entities have the declarations, if there are any.
    pub(super) fn lend(&mut self) {
        if let Some(place) = &self.slot.below
            && !self.slot.lent
        {
            let stand_in = Box::new(Declarations::new());
            put(place, std::mem::replace(&mut self.decls, stand_in));
            self.slot.lent = true;
        }
    }

    /// Gets the declarations from where they are. All that this parser knows by number is in them, so it works with no others.
    pub(super) fn reclaim(&mut self) -> Result<(), ErrorCode> {
        let places = [&self.slot.below, &self.slot.above];
        if let Some(declarations) = places.into_iter().flatten().find_map(take) {
            self.decls = declarations;
            self.slot.lent = false;
            return Ok(());
        }
        if self.started || self.slot.above.is_none() {
            return Err(ErrorCode::UnexpectedState);
        }
        // The parser of a parameter entity begins while its parent works: it has declarations of its own from now on.
        self.slot.above = None;
        self.slot.lent = false;
        Ok(())
    }

    /// The parent may have its declarations back.
    pub(super) fn give_back(&mut self) {
        let Some(above) = &self.slot.above else {
            return;
        };
        if !self.slot.lent {
            let stand_in = Box::new(Declarations::new());
            put(above, std::mem::replace(&mut self.decls, stand_in));
            self.slot.lent = true;
        } else if let Some(declarations) = self.slot.below.as_ref().and_then(take) {
            put(above, declarations);
        }
    }

    /// Namespaces and open entities as a text, for the parser of an external entity.
    pub(super) fn context(&self) -> String {
        let mut context = String::new();
        let mut add = |part: &str| {
            if !context.is_empty() {
                context.push('\u{C}');
            }
            context.push_str(part);
        };
        if self.namespaces.is_some() {
            for prefix in &self.decls.prefixes {
                if let Some(uri) = prefix.uri {
                    let name = prefix.name.as_deref().unwrap_or("");
                    add(&format!("{name}={}", self.decls.names.get(uri)));
                }
            }
        }
        for entity in self.decls.entities.iter().filter(|entity| entity.open) {
            add(&entity.name);
        }
        context
    }

    fn set_context(&mut self, context: &str) {
        for part in context.split('\u{C}').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None => {
                    if let Some(index) = self.decls.general_entity(part) {
                        self.decls.entities[index].open = true;
                    }
                }
                Some((name, uri)) => {
                    let prefix = match name {
                        "" => DEFAULT_PREFIX,
                        name => self.decls.prefix(name),
                    };
                    let uri = (!uri.is_empty()).then(|| self.decls.names.intern(uri));
                    self.decls.prefixes[prefix].uri = uri;
                }
            }
        }
    }

    /// The limits, to be set while the parser is not at hand.
    pub fn shared_limits(&self) -> Arc<Limits> {
        self.limits.clone()
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        self.give_back();
    }
}
