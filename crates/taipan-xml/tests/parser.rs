//! The parser alone: events as text, the same for every way to cut a document, and no way to make it panic.

use taipan_xml::{ErrorCode, Event, Options, ParamEntityParsing, Parser, interest};

const ALL: u32 = interest::UNKNOWN_ENCODING - 1;

struct Run {
    options: Options<'static>,
    interest: u32,
    chunk: usize,
    entities: &'static [(&'static str, &'static str)],
}

impl Default for Run {
    fn default() -> Run {
        Run {
            options: Options::default(),
            interest: ALL & !interest::NOT_STANDALONE,
            chunk: usize::MAX,
            entities: &[],
        }
    }
}

/// An event as a line; text is joined with text in front of it.
fn note(log: &mut Vec<String>, event: &Event<'_>) {
    let line = match event {
        Event::Text(text) => {
            match log.last_mut() {
                Some(last) if last.starts_with("text ") => last.push_str(text),
                _ => log.push(format!("text {text}")),
            }
            return;
        }
        Event::StartElement { name, attributes } => {
            let shown: Vec<String> = attributes
                .iter()
                .map(|a| format!(" {}={}", a.name.text, a.value))
                .collect();
            format!("<{}{}>", name.text, shown.concat())
        }
        Event::EndElement { name } => format!("</{}>", name.text),
        Event::Default(text) => {
            match log.last_mut() {
                Some(last) if last.starts_with("default ") => last.push_str(text),
                _ => log.push(format!("default {text}")),
            }
            return;
        }
        other => format!("{other:?}"),
    };
    log.push(line);
}

impl Run {
    fn events(&self, data: &[u8]) -> Vec<String> {
        let mut parser = Parser::new(self.options);
        parser.set_interest(self.interest);
        if !self.entities.is_empty() {
            parser.set_param_entity_parsing(ParamEntityParsing::Always);
        }
        let mut log = Vec::new();
        match self.parse(&mut parser, data, &mut log) {
            Ok(()) => {}
            Err(code) => {
                let place = parser.place();
                log.push(format!("{code}: {}:{}", place.line + 1, place.column));
            }
        }
        log
    }

    fn parse(
        &self,
        parser: &mut Parser,
        data: &[u8],
        log: &mut Vec<String>,
    ) -> Result<(), ErrorCode> {
        for chunk in data.chunks(self.chunk.min(data.len().max(1))) {
            parser.feed(chunk, false)?;
            self.drain(parser, log)?;
        }
        parser.feed(b"", true)?;
        self.drain(parser, log)
    }

    fn drain(&self, parser: &mut Parser, log: &mut Vec<String>) -> Result<(), ErrorCode> {
        loop {
            let (context, system_id) = match parser.next()? {
                None => return Ok(()),
                Some(Event::ExternalEntityRef { context, external }) => (
                    context.map(str::to_owned),
                    external.system_id.map(str::to_owned),
                ),
                Some(event) => {
                    note(log, &event);
                    continue;
                }
            };
            let system_id = system_id.unwrap_or_default();
            log.push(format!("external {system_id}"));
            let found = self.entities.iter().find(|(name, _)| *name == system_id);
            if let Some((_, text)) = found {
                let mut child = parser.external_entity_parser(context.as_deref(), None);
                let good = self.parse(&mut child, text.as_bytes(), log).is_ok();
                drop(child);
                parser.answer(good);
            }
        }
    }
}

fn events(document: &str) -> Vec<String> {
    Run::default().events(document.as_bytes())
}

fn failure(document: &[u8]) -> String {
    let run = Run {
        interest: 0,
        ..Run::default()
    };
    run.events(document).pop().unwrap_or_default()
}

#[test]
fn elements_text_and_the_rest() {
    assert_eq!(
        events("<a x='1' y=\"&lt;&#65;\n\"><b/>t\r\nu<!--c--><?p d?><![CDATA[<]]></a>"),
        [
            "<a x=1 y=<A >",
            "<b>",
            "</b>",
            "text t\nu",
            "Comment(\"c\")",
            "Pi { target: \"p\", data: \"d\" }",
            "StartCdata",
            "text <",
            "EndCdata",
            "</a>",
        ]
    );
}

#[test]
fn namespaces_expand_names() {
    let run = Run {
        options: Options {
            encoding: None,
            namespaces: Some(b'}'),
        },
        interest: interest::START_ELEMENT | interest::END_ELEMENT,
        ..Run::default()
    };
    assert_eq!(
        run.events(b"<a xmlns='u' xmlns:p='v' p:k='1' k='2'><p:b xmlns:p='w'/><p:b/></a>"),
        [
            "<u}a v}k=1 k=2>",
            "<w}b>",
            "</w}b>",
            "<v}b>",
            "</v}b>",
            "</u}a>"
        ]
    );
    assert_eq!(run.events(b"<p:a/>"), ["unbound prefix: 1:0"]);
    let twice = b"<a xmlns:p='u' xmlns:q='u' p:k='1' q:k='2'/>";
    assert_eq!(run.events(twice), ["duplicate attribute: 1:0"]);
}

#[test]
fn attributes_are_declared_and_made_even() {
    let document = "<!DOCTYPE a [<!ATTLIST a k NMTOKENS #IMPLIED d CDATA 'v' e (x|y) 'y'>]><a k=' 1  2 ' e='x'/>";
    let log = events(document);
    assert!(log.contains(&"<a k=1 2 e=x d=v>".to_owned()), "{log:?}");
}

#[test]
fn entities_inside_and_outside() {
    let run = Run {
        interest: interest::START_ELEMENT | interest::TEXT | interest::EXTERNAL_ENTITY,
        entities: &[
            (
                "dtd",
                "<!ENTITY % p '<!ENTITY i \"in&#115;ide\">'>%p;<![INCLUDE[<!ENTITY j '<j/>'>]]>",
            ),
            ("text", "<?xml encoding='utf-8'?>outside<o/>"),
        ],
        ..Run::default()
    };
    let document = b"<!DOCTYPE a SYSTEM 'dtd' [<!ENTITY t SYSTEM 'text'>]><a k='&i;'>&i;&j;&t;</a>";
    assert_eq!(
        run.events(document),
        [
            "external dtd",
            "<a k=inside>",
            "text inside",
            "<j>",
            "external text",
            "text outside",
            "<o>"
        ]
    );
}

#[test]
fn errors_and_their_places() {
    for (document, expected) in [
        ("", "no element found: 1:0"),
        ("<a>\n<b></a>", "mismatched tag: 2:5"),
        ("<a", "unclosed token: 1:0"),
        ("<a b='1' b='2'/>", "duplicate attribute: 1:9"),
        ("<a>&x;</a>", "undefined entity: 1:3"),
        ("<a>]]></a>", "not well-formed (invalid token): 1:5"),
        ("<a/>x", "junk after document element: 1:4"),
        (
            "<!DOCTYPE a [<!ENTITY % p 'x'><!ELEMENT a %p;>]><a/>",
            "illegal parameter entity reference: 1:42",
        ),
        (
            "<!DOCTYPE a [<!ELEMENT a (b,c|d)>]><a/>",
            "syntax error: 1:29",
        ),
        (
            "<!DOCTYPE a [<!ENTITY e '<b>'>]><a>&e;</a>",
            "asynchronous entity: 1:35",
        ),
        (
            "<!DOCTYPE a [<!ENTITY e '&e;'>]><a k='&e;'/>",
            "recursive entity reference: 1:32",
        ),
    ] {
        assert_eq!(failure(document.as_bytes()), expected, "{document}");
    }
    assert_eq!(failure(b"<a>\xC3"), "partial character: 1:3");
    assert_eq!(failure(b"<a>\xFF"), "not well-formed (invalid token): 1:3");
}

#[test]
fn amplification_is_limited() {
    let mut document = String::from("<!DOCTYPE a [<!ENTITY e0 'laugh'>");
    for level in 1..12 {
        let inner = format!("&e{};", level - 1).repeat(10);
        document.push_str(&format!("<!ENTITY e{level} '{inner}'>"));
    }
    let in_text = format!("{document}]><a>&e11;</a>");
    assert!(failure(in_text.as_bytes()).starts_with("limit on input amplification"));
    let in_value = format!("{document}]><a k='&e11;'/>");
    assert!(failure(in_value.as_bytes()).starts_with("limit on input amplification"));
}

#[test]
fn nothing_recurses() {
    let depth = 200_000;
    let document = format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(events(&document).len(), 2 * depth);
    let model = format!(
        "<!DOCTYPE a [<!ELEMENT a {}b{}>]><a/>",
        "(".repeat(depth),
        ")".repeat(depth)
    );
    assert!(failure(model.as_bytes()).is_empty());
    let chain: String = (0..depth / 10)
        .map(|i| format!("<!ENTITY e{} '&e{i};'>", i + 1))
        .collect();
    let last = depth / 10;
    let document = format!("<!DOCTYPE a [<!ENTITY e0 'x'>{chain}]><a k='&e{last};'>&e{last};</a>");
    let got = failure(document.as_bytes());
    assert!(got.is_empty() || got.starts_with("limit"), "{got}");
}

const DOCUMENTS: [&str; 6] = [
    "<?xml version='1.0' encoding='utf-8' standalone='no'?><!DOCTYPE a SYSTEM 's' [<!ELEMENT a (b|c,d?)*><!ATTLIST a x CDATA 'def'><!ENTITY e 'v<b>w</b>&f;'><!ENTITY f 'ff'><!NOTATION n PUBLIC 'p'>]><a>t&e;<![CDATA[]]]]>\r\n]]&gt;&#65;</a><!--z--> ",
    "<x:a xmlns:x='urn:x' xmlns='urn:d' x:p='1' p='2'><b xmlns=''/><x:c x:q='v\"'>\r\ntext ]] more\r</x:c></x:a>",
    "<a b='1' c = '2'\n d='&lt;&quot;&#10;\t x'><?t?><e/><f></f>tail\nline2\n\nline3</a>\n",
    "<!DOCTYPE d [<!ENTITY % p '<!ENTITY q \"z\">'>%p;<!ENTITY % r SYSTEM 'r'> %r;]><d>&q;&u;</d>",
    "<\u{e9}l\u{e9}ment \u{3b1}='\u{4e2d}\u{6587}'>\u{fc}\u{1f600}</\u{e9}l\u{e9}ment>",
    "<!DOCTYPE a [<!ENTITY x '&y;'><!ENTITY y '&x;'>]><a k='&x;'>&x;</a>",
];

#[test]
fn the_way_a_document_is_cut_changes_nothing() {
    for document in DOCUMENTS {
        for utf16 in [false, true] {
            let data: Vec<u8> = match utf16 {
                false => document.into(),
                true => document
                    .replace("utf-8", "utf-16")
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            };
            let whole = Run::default().events(&data);
            for chunk in 1..20 {
                let run = Run {
                    chunk,
                    ..Run::default()
                };
                assert_eq!(run.events(&data), whole, "{document} in pieces of {chunk}");
            }
        }
    }
}

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

#[test]
fn damaged_documents_do_no_harm() {
    const PIECES: [&str; 16] = [
        "<",
        ">",
        "&",
        "'",
        "]]>",
        "<!--",
        "<![CDATA[",
        "%p;",
        "<!ENTITY e 'x'>",
        "<!DOCTYPE a [",
        "xmlns:q='u'",
        "q:",
        "\r",
        "\u{301}",
        "<![IGNORE[",
        "<?xml version='1.0' encoding='utf-16'?>",
    ];
    let mut numbers = Numbers(7);
    for round in 0..6000 {
        let mut data: Vec<u8> = DOCUMENTS[numbers.below(DOCUMENTS.len())].into();
        for _ in 0..1 + numbers.below(4) {
            let at = numbers.below(data.len() + 1);
            match numbers.below(4) {
                0 => drop(data.splice(at..at, PIECES[numbers.below(PIECES.len())].bytes())),
                1 => {
                    let end = (at + 1 + numbers.below(8)).min(data.len());
                    data.drain(at..end);
                }
                2 => data.truncate(at),
                _ => {
                    if let Some(byte) = data.get_mut(at) {
                        *byte = numbers.below(256) as u8;
                    }
                }
            }
        }
        let run = Run {
            options: Options {
                encoding: [None, None, Some("iso-8859-1"), Some("utf-16")][numbers.below(4)],
                namespaces: [None, Some(b' '), Some(0)][numbers.below(3)],
            },
            interest: if round % 3 == 0 {
                ALL
            } else {
                numbers.below(1 << 24) as u32
            },
            chunk: [usize::MAX, 1, 7][numbers.below(3)],
            entities: &[
                ("s", "<!ENTITY g '%p;'><!ATTLIST a y CDATA '&f;'>"),
                ("r", "<!ENTITY u 'now'>"),
            ],
        };
        run.events(&data);
    }
}

#[test]
fn declarations_are_with_one_parser_at_a_time() {
    let mut parent = Parser::new(Options::default());
    parent.set_interest(ALL & !interest::NOT_STANDALONE);
    let drain = |parser: &mut Parser| -> Result<(), ErrorCode> {
        while parser.next()?.is_some() {}
        Ok(())
    };
    parent
        .feed(
            b"<!DOCTYPE a SYSTEM 's' [<!ENTITY e 'x'>]><a><b k='1'>",
            false,
        )
        .expect("good");
    assert!(parent.next().expect("good").is_some());
    // In the middle of the parent's events a child comes, works in parts, and has a child itself.
    let mut child = parent.external_entity_parser(None, None);
    child.set_interest(ALL & !interest::NOT_STANDALONE);
    child
        .feed(b"<!ENTITY f 'y'><!ENTITY g ", false)
        .expect("good");
    assert!(child.next().expect("good").is_some());
    let general = parent.external_entity_parser(Some("e"), None);
    let mut grandchild = child.external_entity_parser(None, None);
    grandchild.feed(b"<!ENTITY h 'z'>", true).expect("good");
    drain(&mut grandchild).expect("good");
    drain(&mut child).expect("good");
    drain(&mut parent).expect("good");
    // The parent has them again: the child, which stopped in the middle, cannot go on.
    assert_eq!(child.feed(b"'v", false), Err(ErrorCode::UnexpectedState));
    parent.feed(b"&f;</b>", false).expect("good");
    assert!(parent.next().expect("good").is_some());
    assert_eq!(child.feed(b"'>", false), Err(ErrorCode::UnexpectedState));
    let mut late = parent.external_entity_parser(None, None);
    late.feed(b"<!ENTITY i ''>", true).expect("good");
    drain(&mut late).expect("good");
    drop((general, grandchild, child));
    drain(&mut parent).expect("good");
    parent.feed(b"&h;&i;</a>", true).expect("good");
    drain(&mut parent).expect("good");
}
