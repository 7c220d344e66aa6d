//! Start and end tags: attributes, defaults, namespaces.

use super::{Binding, Parser, Phase, Span, Step, StoredAttribute, Tag, Todo};
use crate::dtd::{DEFAULT_PREFIX, XML_NAMESPACE, XML_PREFIX, XMLNS_NAMESPACE};
use crate::error::ErrorCode;
use crate::event::interest as want;
use crate::names::{NameId, PrefixOf};
use crate::scan::{Range, RawAttribute};
use std::sync::Arc;

impl Parser {
    /// Takes in the start tag that was scanned. What it gives is told by [`Parser::pending_of_tag`].
    pub(super) fn start_tag(&mut self, name: Range, empty: bool) -> Result<(), ErrorCode> {
        let text = match self.open.last() {
            None => self.doc.text(),
            Some(entity) => &*entity.text,
        };
        let raw = self.decls.names.intern(name.of(text));
        self.serial += 1;
        self.attributes.clear();
        self.tag_empty = empty;
        let bindings = self.bindings.len();
        let simple = self.raw_attributes.is_empty() && self.decls.elements.is_empty();
        self.specified = 0;
        let stored = match simple {
            true => Ok(()),
            false => self.store_attributes(raw),
        };
        let name = match (self.namespaces, stored) {
            (None, Ok(())) => Ok(raw),
            (Some(_), Ok(())) => self.expand_element(raw),
            (_, Err(code)) => Err(code),
        };
        let name = match name {
            Ok(name) => name,
            Err(code) if self.bindings.len() > bindings => {
                // The namespaces that were declared in front of the fault are told first.
                self.failing = Some(code);
                raw
            }
            Err(code) => return Err(code),
        };
        self.tags.push(Tag {
            raw,
            name,
            bindings,
        });
        self.todo = if self.bindings.len() > bindings {
            Todo::Namespaces(bindings)
        } else {
            Todo::Start
        };
        Ok(())
    }

    /// The next thing to tell of the last tag.
    pub(super) fn pending_of_tag(&mut self) -> Option<Step> {
        loop {
            match self.todo {
                Todo::Nothing => return None,
                Todo::Namespaces(index) if index == self.bindings.len() => {
                    if self.failing.is_some() {
                        self.todo = Todo::Nothing;
                        return None;
                    }
                    self.todo = Todo::Start;
                }
                Todo::Namespaces(index) => {
                    self.todo = Todo::Namespaces(index + 1);
                    if self.wants(want::START_NAMESPACE) {
                        return Some(Step::StartNamespace(index));
                    }
                }
                Todo::Start => {
                    self.todo = match self.tag_empty {
                        true => Todo::EmptyEnd,
                        false => Todo::Nothing,
                    };
                    if let Some(step) = self.start_step() {
                        return Some(step);
                    }
                }
                Todo::EmptyEnd => {
                    let had_start = self.wants(want::START_ELEMENT);
                    let name = self.close_element();
                    if self.wants(want::END_ELEMENT) {
                        if had_start {
                            self.set_event(self.tag_end);
                        }
                        return Some(Step::End(name));
                    }
                }
                Todo::EndNamespaces(left) => match self.unbind(left) {
                    None => {
                        self.todo = Todo::Nothing;
                        return None;
                    }
                    Some(prefix) if self.wants(want::END_NAMESPACE) => {
                        return Some(Step::EndNamespace(prefix));
                    }
                    Some(_) => {}
                },
            }
        }
    }

    #[inline]
    fn start_step(&self) -> Option<Step> {
        if self.wants(want::START_ELEMENT) {
            return self.tags.last().map(|tag| Step::Start(tag.name));
        }
        // The end of an empty element tells it all if it is wanted.
        if self.wants(want::DEFAULT) && !(self.tag_empty && self.wants(want::END_ELEMENT)) {
            return Some(Step::Default(Span::current(self.tag_start, self.tag_end)));
        }
        None
    }

    /// The innermost element ends; gives its name.
    fn close_element(&mut self) -> NameId {
        let Some(tag) = self.tags.pop() else {
            unreachable!("an element is open");
        };
        self.todo = if self.bindings.len() > tag.bindings {
            Todo::EndNamespaces(tag.bindings)
        } else {
            Todo::Nothing
        };
        if self.tags.is_empty() && !self.fragment {
            self.phase = Phase::Epilog;
        }
        tag.name
    }

    pub(super) fn end_tag(
        &mut self,
        name: Range,
        start: usize,
        end: usize,
    ) -> Result<Option<Step>, ErrorCode> {
        let level = self.open.last().map_or(0, |entity| entity.level);
        let Some(tag) = self.tags.last().filter(|_| self.tags.len() > level) else {
            return Err(ErrorCode::AsyncEntity);
        };
        let (text, _) = self.current();
        if self.decls.names.get(tag.raw).as_bytes() != &text.as_bytes()[name.start..name.end] {
            self.set_event(name.start);
            return Err(ErrorCode::TagMismatch);
        }
        let name = self.close_element();
        Ok(if self.wants(want::END_ELEMENT) {
            Some(Step::End(name))
        } else if self.wants(want::DEFAULT) {
            Some(Step::Default(Span::current(start, end)))
        } else {
            None
        })
    }

    // ---- attributes ----

    fn store_attributes(&mut self, element: NameId) -> Result<(), ErrorCode> {
        let raw_attributes = std::mem::take(&mut self.raw_attributes);
        let mut result = Ok(());
        for attribute in &raw_attributes {
            result = self.store_attribute(element, attribute);
            if result.is_err() {
                break;
            }
        }
        self.raw_attributes = raw_attributes;
        result?;
        self.specified = self.attributes.len();
        if !self.decls.elements.is_empty() {
            self.add_defaults(element)?;
        }
        if self.namespaces.is_some() {
            self.expand_attributes()?;
        }
        Ok(())
    }

    #[inline]
    fn store_attribute(
        &mut self,
        element: NameId,
        attribute: &RawAttribute,
    ) -> Result<(), ErrorCode> {
        let text = match self.open.last() {
            None => self.doc.text(),
            Some(entity) => &*entity.text,
        };
        let id = self.decls.names.intern(attribute.name.of(text));
        let entry = self.decls.names.entry(id);
        if entry.stamp == self.serial {
            self.set_event(attribute.name.start);
            return Err(ErrorCode::DuplicateAttribute);
        }
        entry.stamp = self.serial;
        let is_cdata = self.decls.elements.is_empty() || self.is_cdata(element, id);
        let value = if attribute.plain && is_cdata {
            Span::current(attribute.value.start, attribute.value.end)
        } else {
            self.attribute_value(attribute.value, is_cdata)?
        };
        self.push_attribute(id, value)
    }

    fn is_cdata(&self, element: NameId, attribute: NameId) -> bool {
        match self.decls.element_type(element) {
            Some(declared) if declared.tokenized => declared
                .find(attribute)
                .is_none_or(|declared| declared.is_cdata),
            _ => true,
        }
    }

    /// Keeps an attribute, or binds the namespace that it declares.
    fn push_attribute(&mut self, name: NameId, value: Span) -> Result<(), ErrorCode> {
        if self.namespaces.is_some()
            && let PrefixOf::Declares(prefix) = self.prefix_of(name)
        {
            let uri: String = self.text_of(value).into();
            return self.bind(prefix, &uri);
        }
        self.attributes.push(StoredAttribute { name, value });
        Ok(())
    }

    /// Attributes that are declared with a value and do not stand in the tag.
    fn add_defaults(&mut self, element: NameId) -> Result<(), ErrorCode> {
        let Some(declared) = self.decls.element_type(element) else {
            return Ok(());
        };
        let defaults: Vec<(NameId, Arc<str>)> = declared
            .attributes
            .iter()
            .filter(|attribute| self.decls.names.info(attribute.name).stamp != self.serial)
            .filter_map(|attribute| Some((attribute.name, attribute.default.clone()?)))
            .collect();
        for (name, value) in defaults {
            self.decls.names.entry(name).stamp = self.serial;
            self.account_indirect(value.len())?;
            let from = self.scratch.len();
            self.scratch.push_str(&value);
            self.push_attribute(name, Span::scratch(from, self.scratch.len()))?;
        }
        Ok(())
    }

    // ---- namespaces ----

    /// The prefix of a raw name.
    #[inline]
    fn prefix_of(&mut self, name: NameId) -> PrefixOf {
        match self.decls.names.info(name).prefix {
            PrefixOf::NotAsked => self.find_prefix(name),
            known => known,
        }
    }

    #[cold]
    fn find_prefix(&mut self, name: NameId) -> PrefixOf {
        let text: String = self.decls.names.get(name).into();
        let (prefix, local) = match text.split_once(':') {
            None if text == "xmlns" => (PrefixOf::Declares(DEFAULT_PREFIX), 0),
            None => (PrefixOf::None, 0),
            Some(("xmlns", prefix)) => (PrefixOf::Declares(self.decls.prefix(prefix)), 0),
            Some((prefix, _)) => (
                PrefixOf::Prefix(self.decls.prefix(prefix)),
                prefix.len() + 1,
            ),
        };
        let entry = self.decls.names.entry(name);
        entry.prefix = prefix;
        entry.local = local;
        prefix
    }

    /// Binds a prefix to a namespace for the element that begins.
    pub(super) fn bind(&mut self, prefix: usize, uri: &str) -> Result<(), ErrorCode> {
        if uri.is_empty() && prefix != DEFAULT_PREFIX {
            return Err(ErrorCode::UndeclaringPrefix);
        }
        let is_xml = prefix == XML_PREFIX;
        if self.decls.prefixes[prefix].name.as_deref() == Some("xmlns") {
            return Err(ErrorCode::ReservedPrefixXmlns);
        }
        if let Some(separator @ 1..) = self.namespaces
            && !is_uri_byte(separator)
            && uri.as_bytes().contains(&separator)
        {
            return Err(ErrorCode::Syntax);
        }
        match uri == XML_NAMESPACE {
            false if is_xml => return Err(ErrorCode::ReservedPrefixXml),
            true if !is_xml => return Err(ErrorCode::ReservedNamespaceUri),
            _ => {}
        }
        if uri == XMLNS_NAMESPACE {
            return Err(ErrorCode::ReservedNamespaceUri);
        }
        let uri = match uri {
            "" => None,
            uri => Some(self.decls.names.intern(uri)),
        };
        let before = std::mem::replace(&mut self.decls.prefixes[prefix].uri, uri);
        self.bindings.push(Binding {
            prefix,
            uri,
            before,
        });
        Ok(())
    }

    /// Takes back the last binding if there are more than `left`; gives its prefix.
    fn unbind(&mut self, left: usize) -> Option<usize> {
        if self.bindings.len() <= left {
            return None;
        }
        let binding = self.bindings.pop()?;
        self.decls.prefixes[binding.prefix].uri = binding.before;
        Some(binding.prefix)
    }

    /// The name of an element with its namespace.
    #[inline]
    fn expand_element(&mut self, raw: NameId) -> Result<NameId, ErrorCode> {
        let prefix = match self.prefix_of(raw) {
            PrefixOf::Prefix(prefix) => prefix,
            PrefixOf::Declares(prefix) if prefix != DEFAULT_PREFIX => {
                // An element `xmlns:name`: that prefix never is bound.
                return Err(ErrorCode::UnboundPrefix);
            }
            _ => DEFAULT_PREFIX,
        };
        match self.decls.prefixes[prefix].uri {
            Some(uri) => Ok(self.expand(raw, uri)),
            None if prefix == DEFAULT_PREFIX => Ok(raw),
            None => Err(ErrorCode::UnboundPrefix),
        }
    }

    fn expand_attributes(&mut self) -> Result<(), ErrorCode> {
        for index in 0..self.attributes.len() {
            let raw = self.attributes[index].name;
            let PrefixOf::Prefix(prefix) = self.prefix_of(raw) else {
                continue;
            };
            let Some(uri) = self.decls.prefixes[prefix].uri else {
                return Err(ErrorCode::UnboundPrefix);
            };
            let name = self.expand(raw, uri);
            let entry = self.decls.names.entry(name);
            if entry.expanded_stamp == self.serial {
                return Err(ErrorCode::DuplicateAttribute);
            }
            entry.expanded_stamp = self.serial;
            self.attributes[index].name = name;
        }
        Ok(())
    }

    /// A raw name in a namespace.
    #[inline]
    fn expand(&mut self, raw: NameId, uri: NameId) -> NameId {
        match self.decls.names.info(raw).expanded {
            Some((for_uri, name)) if for_uri == uri => name,
            _ => self.expand_new(raw, uri),
        }
    }

    fn expand_new(&mut self, raw: NameId, uri: NameId) -> NameId {
        let separator = self.namespaces.filter(|byte| *byte != 0);
        let names = &self.decls.names;
        let (prefix, local) = match names.info(raw).local {
            0 => ("", names.get(raw)),
            at => (&names.get(raw)[..at - 1], &names.get(raw)[at..]),
        };
        let mut expanded = String::from(names.get(uri));
        expanded.extend(separator.map(char::from));
        expanded.push_str(local);
        if let Some(separator) = separator
            && self.triplets
            && !prefix.is_empty()
        {
            expanded.push(char::from(separator));
            expanded.push_str(prefix);
        }
        let name = self.decls.names.intern(&expanded);
        self.decls.names.entry(raw).expanded = Some((uri, name));
        name
    }
}

/// Can this byte be part of a URI?
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"%-._~:/?#[]@!$&'()*+,;=".contains(&byte)
}
