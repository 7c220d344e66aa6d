//! What a token of the prolog means where it stands: a finite machine over states, one step for each token.

use crate::scan_prolog::Mark;

/// How often a part of a content model may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Quantifier {
    Once,
    Optional,
    Repeated,
    Plus,
}

/// The kinds of declarations; tokens without a meaning of their own belong to one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Doctype,
    Entity,
    Notation,
    Attlist,
    Element,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Error,
    /// Nothing: white space and the like between declarations.
    None,
    /// Part of a declaration.
    Inside(Kind),
    XmlDecl,
    TextDecl,
    InstanceStart,
    Pi,
    Comment,
    ParamEntityRef,
    /// A parameter entity inside of a declaration.
    InnerParamEntityRef,
    IgnoreSection,
    DoctypeName,
    DoctypePublicId,
    DoctypeSystemId,
    DoctypeInternalSubset,
    DoctypeClose,
    GeneralEntityName,
    ParamEntityName,
    EntityValue,
    EntityPublicId,
    EntitySystemId,
    EntityComplete,
    EntityNotationName,
    NotationName,
    NotationPublicId,
    NotationSystemId,
    NotationNoSystemId,
    AttlistElementName,
    AttributeName,
    AttributeType,
    AttributeEnumValue,
    AttributeNotationValue,
    ImpliedAttribute,
    RequiredAttribute,
    DefaultAttribute,
    FixedAttribute,
    ElementName,
    ContentEmpty,
    ContentAny,
    ContentPcdata,
    ContentElement(Quantifier),
    GroupOpen,
    GroupClose(Quantifier),
    GroupSequence,
    GroupChoice,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Failed,
    /// Before anything was read: the XML declaration may come.
    Start,
    BeforeDoctype,
    AfterDoctype,
    DoctypeStart,
    DoctypeNamed,
    DoctypePublic,
    DoctypeSystem,
    DoctypeIds,
    DoctypeEnd,
    InternalSubset,
    ExternalStart,
    External,
    Section,
    SectionInclude,
    SectionIgnore,
    EntityStart,
    EntityPercent,
    /// A name is known; the flag says that it is a parameter entity's.
    EntityNamed(bool),
    EntityPublic(bool),
    EntitySystem(bool),
    EntityIds(bool),
    EntityNdata,
    NotationStart,
    NotationNamed,
    NotationPublic,
    NotationSystem,
    NotationPublicKnown,
    AttlistStart,
    AttlistNext,
    AttributeNamed,
    EnumValue,
    EnumNext,
    NotationTypeOpen,
    NotationTypeValue,
    NotationTypeNext,
    AttributeTyped,
    AttributeFixed,
    ElementStart,
    ElementNamed,
    /// Behind the first parenthesis.
    ModelStart,
    MixedNext,
    MixedName,
    MixedMore,
    ModelName,
    ModelNext,
    /// All of a declaration is there but its end.
    Close(Kind),
}

/// The machine.
#[derive(Clone)]
pub(crate) struct Roles {
    state: State,
    /// Open groups of a content model.
    pub level: usize,
    /// Open `<![INCLUDE[` sections.
    include_level: usize,
    /// It is the document, not an external subset or parameter entity.
    pub document: bool,
}

impl Roles {
    pub fn for_document() -> Roles {
        Roles {
            state: State::Start,
            level: 0,
            include_level: 0,
            document: true,
        }
    }

    pub fn for_external_subset() -> Roles {
        Roles {
            state: State::ExternalStart,
            document: false,
            ..Roles::for_document()
        }
    }

    fn top(&self) -> State {
        if self.document {
            State::InternalSubset
        } else {
            State::External
        }
    }

    /// One token further. `text` is the token's.
    pub fn step(&mut self, mark: Mark, text: &str) -> Role {
        match self.try_step(mark, text) {
            Some((state, role)) => {
                self.state = state;
                role
            }
            None if !self.document && mark == Mark::ParamEntityRef => Role::InnerParamEntityRef,
            None => {
                self.state = State::Failed;
                Role::Error
            }
        }
    }

    fn try_step(&mut self, mark: Mark, text: &str) -> Option<(State, Role)> {
        use State as S;
        match self.state {
            S::Failed => None,
            S::Start | S::BeforeDoctype | S::AfterDoctype => self.outside(mark, text),
            S::DoctypeStart
            | S::DoctypeNamed
            | S::DoctypePublic
            | S::DoctypeSystem
            | S::DoctypeIds
            | S::DoctypeEnd => self.doctype(mark, text),
            S::InternalSubset => subset(self.top(), mark, text),
            S::ExternalStart | S::External => self.external(mark, text),
            S::Section | S::SectionInclude | S::SectionIgnore => self.section(mark, text),
            S::EntityStart
            | S::EntityPercent
            | S::EntityNamed(_)
            | S::EntityPublic(_)
            | S::EntitySystem(_)
            | S::EntityIds(_)
            | S::EntityNdata => self.entity(mark, text),
            S::NotationStart
            | S::NotationNamed
            | S::NotationPublic
            | S::NotationSystem
            | S::NotationPublicKnown => self.notation(mark, text),
            S::AttlistStart
            | S::AttlistNext
            | S::AttributeNamed
            | S::EnumValue
            | S::EnumNext
            | S::NotationTypeOpen
            | S::NotationTypeValue
            | S::NotationTypeNext
            | S::AttributeTyped
            | S::AttributeFixed => self.attlist(mark, text),
            S::ElementStart
            | S::ElementNamed
            | S::ModelStart
            | S::MixedNext
            | S::MixedName
            | S::MixedMore
            | S::ModelName
            | S::ModelNext => self.element(mark, text),
            S::Close(kind) => match mark {
                Mark::Space => Some((S::Close(kind), Role::Inside(kind))),
                Mark::DeclClose => Some((self.top(), Role::Inside(kind))),
                _ => None,
            },
        }
    }

    /// Outside of the document type declaration.
    fn outside(&self, mark: Mark, text: &str) -> Option<(State, Role)> {
        let next = match self.state {
            State::AfterDoctype => State::AfterDoctype,
            _ => State::BeforeDoctype,
        };
        Some(match mark {
            Mark::Space => (next, Role::None),
            Mark::XmlDecl if self.state == State::Start => (next, Role::XmlDecl),
            Mark::Pi { .. } => (next, Role::Pi),
            Mark::Comment { .. } => (next, Role::Comment),
            Mark::DeclOpen if next == State::BeforeDoctype && text == "<!DOCTYPE" => {
                (State::DoctypeStart, Role::Inside(Kind::Doctype))
            }
            Mark::InstanceStart => (State::Failed, Role::InstanceStart),
            _ => return None,
        })
    }

    fn doctype(&self, mark: Mark, text: &str) -> Option<(State, Role)> {
        use State as S;
        let inside = Role::Inside(Kind::Doctype);
        Some(match (self.state, mark) {
            (state, Mark::Space) => (state, inside),
            (S::DoctypeStart, Mark::Name | Mark::PrefixedName) => {
                (S::DoctypeNamed, Role::DoctypeName)
            }
            (S::DoctypeNamed, Mark::Name) if text == "SYSTEM" => (S::DoctypeSystem, inside),
            (S::DoctypeNamed, Mark::Name) if text == "PUBLIC" => (S::DoctypePublic, inside),
            (S::DoctypePublic, Mark::Literal) => (S::DoctypeSystem, Role::DoctypePublicId),
            (S::DoctypeSystem, Mark::Literal) => (S::DoctypeIds, Role::DoctypeSystemId),
            (S::DoctypeNamed | S::DoctypeIds, Mark::OpenBracket) => {
                (S::InternalSubset, Role::DoctypeInternalSubset)
            }
            (S::DoctypeNamed | S::DoctypeIds | S::DoctypeEnd, Mark::DeclClose) => {
                (S::AfterDoctype, Role::DoctypeClose)
            }
            _ => return None,
        })
    }

    fn external(&mut self, mark: Mark, text: &str) -> Option<(State, Role)> {
        Some(match mark {
            Mark::XmlDecl if self.state == State::ExternalStart => {
                (State::External, Role::TextDecl)
            }
            Mark::SectionOpen => (State::Section, Role::None),
            Mark::SectionClose => {
                self.include_level = self.include_level.checked_sub(1)?;
                (State::External, Role::None)
            }
            Mark::Space => (State::External, Role::None),
            Mark::CloseBracket => return None,
            Mark::End if self.include_level > 0 => return None,
            Mark::End => (State::External, Role::None),
            _ => return subset(State::External, mark, text),
        })
    }

    fn section(&mut self, mark: Mark, text: &str) -> Option<(State, Role)> {
        Some(match (self.state, mark) {
            (state, Mark::Space) => (state, Role::None),
            (State::Section, Mark::Name) if text == "INCLUDE" => {
                (State::SectionInclude, Role::None)
            }
            (State::Section, Mark::Name) if text == "IGNORE" => (State::SectionIgnore, Role::None),
            (State::SectionInclude, Mark::OpenBracket) => {
                self.include_level += 1;
                (State::External, Role::None)
            }
            (State::SectionIgnore, Mark::OpenBracket) => (State::External, Role::IgnoreSection),
            _ => return None,
        })
    }

    fn entity(&self, mark: Mark, text: &str) -> Option<(State, Role)> {
        use State as S;
        let inside = Role::Inside(Kind::Entity);
        Some(match (self.state, mark) {
            (state, Mark::Space) => (state, inside),
            (S::EntityStart, Mark::Percent) => (S::EntityPercent, inside),
            (S::EntityStart, Mark::Name) => (S::EntityNamed(false), Role::GeneralEntityName),
            (S::EntityPercent, Mark::Name) => (S::EntityNamed(true), Role::ParamEntityName),
            (S::EntityNamed(param), Mark::Name) => match text {
                "SYSTEM" => (S::EntitySystem(param), inside),
                "PUBLIC" => (S::EntityPublic(param), inside),
                _ => return None,
            },
            (S::EntityNamed(_), Mark::Literal) => (S::Close(Kind::Entity), Role::EntityValue),
            (S::EntityPublic(param), Mark::Literal) => {
                (S::EntitySystem(param), Role::EntityPublicId)
            }
            (S::EntitySystem(param), Mark::Literal) => (S::EntityIds(param), Role::EntitySystemId),
            (S::EntityIds(_), Mark::DeclClose) => (self.top(), Role::EntityComplete),
            (S::EntityIds(false), Mark::Name) if text == "NDATA" => (S::EntityNdata, inside),
            (S::EntityNdata, Mark::Name) => (S::Close(Kind::Entity), Role::EntityNotationName),
            _ => return None,
        })
    }

    fn notation(&self, mark: Mark, text: &str) -> Option<(State, Role)> {
        use State as S;
        let inside = Role::Inside(Kind::Notation);
        let close = S::Close(Kind::Notation);
        Some(match (self.state, mark) {
            (state, Mark::Space) => (state, inside),
            (S::NotationStart, Mark::Name) => (S::NotationNamed, Role::NotationName),
            (S::NotationNamed, Mark::Name) if text == "SYSTEM" => (S::NotationSystem, inside),
            (S::NotationNamed, Mark::Name) if text == "PUBLIC" => (S::NotationPublic, inside),
            (S::NotationPublic, Mark::Literal) => (S::NotationPublicKnown, Role::NotationPublicId),
            (S::NotationSystem, Mark::Literal) => (close, Role::NotationSystemId),
            (S::NotationPublicKnown, Mark::Literal) => (close, Role::NotationSystemId),
            (S::NotationPublicKnown, Mark::DeclClose) => (self.top(), Role::NotationNoSystemId),
            _ => return None,
        })
    }

    fn attlist(&self, mark: Mark, text: &str) -> Option<(State, Role)> {
        use State as S;
        let inside = Role::Inside(Kind::Attlist);
        let name = matches!(mark, Mark::Name | Mark::PrefixedName);
        Some(match (self.state, mark) {
            (state, Mark::Space) => (state, inside),
            (S::AttlistStart, _) if name => (S::AttlistNext, Role::AttlistElementName),
            (S::AttlistNext, Mark::DeclClose) => (self.top(), inside),
            (S::AttlistNext, _) if name => (S::AttributeNamed, Role::AttributeName),
            (S::AttributeNamed, Mark::Name) => match text {
                "CDATA" | "ID" | "IDREF" | "IDREFS" | "ENTITY" | "ENTITIES" | "NMTOKEN"
                | "NMTOKENS" => (S::AttributeTyped, Role::AttributeType),
                "NOTATION" => (S::NotationTypeOpen, inside),
                _ => return None,
            },
            (S::AttributeNamed, Mark::OpenParen) => (S::EnumValue, inside),
            (S::EnumValue, _) if name || mark == Mark::NmToken => {
                (S::EnumNext, Role::AttributeEnumValue)
            }
            (S::EnumNext, Mark::CloseParen) => (S::AttributeTyped, inside),
            (S::EnumNext, Mark::Or) => (S::EnumValue, inside),
            (S::NotationTypeOpen, Mark::OpenParen) => (S::NotationTypeValue, inside),
            (S::NotationTypeValue, Mark::Name) => {
                (S::NotationTypeNext, Role::AttributeNotationValue)
            }
            (S::NotationTypeNext, Mark::CloseParen) => (S::AttributeTyped, inside),
            (S::NotationTypeNext, Mark::Or) => (S::NotationTypeValue, inside),
            (S::AttributeTyped, Mark::PoundName) => match text {
                "#IMPLIED" => (S::AttlistNext, Role::ImpliedAttribute),
                "#REQUIRED" => (S::AttlistNext, Role::RequiredAttribute),
                "#FIXED" => (S::AttributeFixed, inside),
                _ => return None,
            },
            (S::AttributeTyped, Mark::Literal) => (S::AttlistNext, Role::DefaultAttribute),
            (S::AttributeFixed, Mark::Literal) => (S::AttlistNext, Role::FixedAttribute),
            _ => return None,
        })
    }

    fn element(&mut self, mark: Mark, text: &str) -> Option<(State, Role)> {
        use State as S;
        let inside = Role::Inside(Kind::Element);
        let close = S::Close(Kind::Element);
        let name = matches!(mark, Mark::Name | Mark::PrefixedName);
        Some(match (self.state, mark) {
            (state, Mark::Space) => (state, inside),
            (S::ElementStart, _) if name => (S::ElementNamed, Role::ElementName),
            (S::ElementNamed, Mark::Name) if text == "EMPTY" => (close, Role::ContentEmpty),
            (S::ElementNamed, Mark::Name) if text == "ANY" => (close, Role::ContentAny),
            (S::ElementNamed, Mark::OpenParen) => {
                self.level = 1;
                (S::ModelStart, Role::GroupOpen)
            }
            (S::ModelStart, Mark::PoundName) if text == "#PCDATA" => {
                (S::MixedNext, Role::ContentPcdata)
            }
            (S::ModelStart | S::ModelName, Mark::OpenParen) => {
                self.level += 1;
                (S::ModelName, Role::GroupOpen)
            }
            (S::ModelStart | S::ModelName, _) => {
                let quantifier = match mark {
                    Mark::Name | Mark::PrefixedName => Quantifier::Once,
                    Mark::NameOptional => Quantifier::Optional,
                    Mark::NameRepeated => Quantifier::Repeated,
                    Mark::NamePlus => Quantifier::Plus,
                    _ => return None,
                };
                (S::ModelNext, Role::ContentElement(quantifier))
            }
            (S::MixedNext, Mark::CloseParen) => (close, Role::GroupClose(Quantifier::Once)),
            (S::MixedNext | S::MixedMore, Mark::CloseParenRepeated) => {
                (close, Role::GroupClose(Quantifier::Repeated))
            }
            (S::MixedNext | S::MixedMore, Mark::Or) => (S::MixedName, inside),
            (S::MixedName, _) if name => (S::MixedMore, Role::ContentElement(Quantifier::Once)),
            (S::ModelNext, Mark::Comma) => (S::ModelName, Role::GroupSequence),
            (S::ModelNext, Mark::Or) => (S::ModelName, Role::GroupChoice),
            (S::ModelNext, _) => {
                let quantifier = match mark {
                    Mark::CloseParen => Quantifier::Once,
                    Mark::CloseParenOptional => Quantifier::Optional,
                    Mark::CloseParenRepeated => Quantifier::Repeated,
                    Mark::CloseParenPlus => Quantifier::Plus,
                    _ => return None,
                };
                self.level -= 1;
                let next = if self.level == 0 { close } else { S::ModelNext };
                (next, Role::GroupClose(quantifier))
            }
            _ => return None,
        })
    }
}

/// Between declarations.
fn subset(top: State, mark: Mark, text: &str) -> Option<(State, Role)> {
    use State as S;
    Some(match mark {
        Mark::Space | Mark::End => (top, Role::None),
        Mark::DeclOpen => match text {
            "<!ENTITY" => (S::EntityStart, Role::Inside(Kind::Entity)),
            "<!ATTLIST" => (S::AttlistStart, Role::Inside(Kind::Attlist)),
            "<!ELEMENT" => (S::ElementStart, Role::Inside(Kind::Element)),
            "<!NOTATION" => (S::NotationStart, Role::Inside(Kind::Notation)),
            _ => return None,
        },
        Mark::Pi { .. } => (top, Role::Pi),
        Mark::Comment { .. } => (top, Role::Comment),
        Mark::ParamEntityRef => (top, Role::ParamEntityRef),
        Mark::CloseBracket => (S::DoctypeEnd, Role::Inside(Kind::Doctype)),
        _ => return None,
    })
}
