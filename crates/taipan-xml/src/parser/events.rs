//! From what was found to what is told: events that lend their texts.

use super::prolog::Declared;
use super::{Parser, Step};
use crate::event::{Attribute, Event, ExternalId, Name};
use crate::names::NameId;

impl Parser {
    pub(super) fn event(&self, step: Step) -> Event<'_> {
        match step {
            Step::Start(id) => Event::StartElement {
                name: self.named(id),
                attributes: Attributes { parser: self },
            },
            Step::End(id) => Event::EndElement {
                name: self.named(id),
            },
            Step::Text(span) => Event::Text(self.text_of(span)),
            Step::Pi { target, data } => Event::Pi {
                target: self.text_of(target),
                data: self.text_of(data),
            },
            Step::Comment(span) => Event::Comment(self.text_of(span)),
            Step::StartCdata => Event::StartCdata,
            Step::EndCdata => Event::EndCdata,
            Step::Default(span) => Event::Default(self.text_of(span)),
            Step::StartNamespace(index) => Event::StartNamespace {
                prefix: self.decls.prefixes[self.bindings[index].prefix]
                    .name
                    .as_deref(),
                uri: self.bindings[index].uri.map(|uri| self.name(uri)),
            },
            Step::EndNamespace(prefix) => Event::EndNamespace {
                prefix: self.decls.prefixes[prefix].name.as_deref(),
            },
            Step::Skipped { name, is_parameter } => Event::SkippedEntity {
                name: self.text_of(name),
                is_parameter,
            },
            Step::NotStandalone => Event::NotStandalone,
            step => self.declaration_event(step),
        }
    }

    fn name(&self, id: NameId) -> &str {
        self.decls.names.get(id)
    }

    fn named(&self, id: NameId) -> Name<'_> {
        Name {
            id,
            text: self.name(id),
        }
    }

    fn declaration_event(&self, step: Step) -> Event<'_> {
        let declared = &self.declared;
        match step {
            Step::StartDoctype { internal } => Event::StartDoctype {
                name: declared.doctype.as_deref().unwrap_or(""),
                system_id: declared.doctype_system.as_deref(),
                public_id: declared.doctype_public.as_deref(),
                has_internal_subset: internal,
            },
            Step::EndDoctype => Event::EndDoctype,
            Step::EntityDecl => Event::EntityDecl {
                name: &declared.event.name,
                is_parameter: declared.event.is_param,
                value: declared.event.text.as_deref(),
                external: declared.external(),
                notation: declared.event.notation.as_deref(),
            },
            Step::UnparsedEntity => Event::UnparsedEntityDecl {
                name: &declared.event.name,
                external: declared.external(),
                notation: declared.event.notation.as_deref().unwrap_or(""),
            },
            Step::Notation => Event::NotationDecl {
                name: &declared.event.name,
                external: declared.external(),
            },
            Step::External => Event::ExternalEntityRef {
                context: declared.context.as_deref(),
                external: declared.external(),
            },
            Step::XmlDecl => Event::XmlDecl {
                version: declared.version.as_deref(),
                encoding: declared.encoding.as_deref(),
                standalone: declared.standalone,
            },
            Step::ElementDecl => Event::ElementDecl {
                name: declared.element.as_deref().unwrap_or(""),
                model: &self.model.parts,
            },
            Step::AttlistDecl { required } => Event::AttlistDecl {
                element: declared.element.as_deref().unwrap_or(""),
                attribute: declared.attribute.as_deref().unwrap_or(""),
                kind: &declared.kind,
                default: declared.default.as_deref(),
                required,
            },
            _ => Event::UnknownEncoding {
                name: declared.encoding.as_deref().unwrap_or(""),
            },
        }
    }
}

impl Declared {
    fn external(&self) -> ExternalId<'_> {
        ExternalId {
            base: self.event.base.as_deref(),
            system_id: self.event.system_id.as_deref(),
            public_id: self.event.public_id.as_deref(),
        }
    }
}

/// The attributes of a start tag: those that stand there, then those that have their values from the declaration.
#[derive(Clone, Copy)]
pub struct Attributes<'a> {
    parser: &'a Parser,
}

impl<'a> Attributes<'a> {
    pub fn len(&self) -> usize {
        self.parser.attributes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them stand in the tag.
    pub fn specified(&self) -> usize {
        self.parser.specified
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Attribute<'a>> + use<'a> {
        let parser = self.parser;
        parser.attributes.iter().map(move |attribute| Attribute {
            name: parser.named(attribute.name),
            value: parser.text_of(attribute.value),
        })
    }
}

impl std::fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|a| (a.name.text, a.value)))
            .finish()
    }
}
