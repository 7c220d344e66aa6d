//! Literals, source decoding, tokens, interactive input, limits.

use taipan_syntax::ast::{Expr, InterpolatedStringElement};
use taipan_syntax::tokenize::TokenSource;
use taipan_syntax::{
    Decoded, ErrorKind, Mode, Options, Parsed, decode_bytes_literal, decode_middle, decode_source,
    decode_string_literal, parse, parse_func_type,
};

fn eval(source: &str) -> Parsed {
    parse(source, Mode::Eval, &Options::default()).unwrap()
}

fn text(source: &str) -> Vec<u8> {
    let parsed = eval(source);
    match parsed.expression() {
        Some(Expr::StringLiteral(s)) => s
            .value
            .iter()
            .flat_map(|l| {
                let v = decode_string_literal(parsed.source(), l.range, l.flags.into());
                v.unwrap().into_bytes()
            })
            .collect(),
        Some(Expr::BytesLiteral(s)) => s
            .value
            .iter()
            .flat_map(|l| decode_bytes_literal(parsed.source(), l.range, l.flags.into()).unwrap())
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn escapes() {
    assert_eq!(
        text(r"'\x41\101\u0041\U00000041\N{EM DASH}'"),
        "AAAA\u{2014}".as_bytes()
    );
    assert_eq!(text("'a\\\nb' 'c'"), b"abc");
    assert_eq!(text("'''a\r\nb'''"), b"a\nb");
    assert_eq!(text(r"'\d\8'"), br"\d\8");
    assert_eq!(text(r"r'\n'"), br"\n");
    assert_eq!(text(r"b'\xff\0\n\d\400'"), b"\xff\0\n\\d\0");
    assert_eq!(text("'\\400'"), "\u{100}".as_bytes());
}

#[test]
fn lone_surrogates_survive() {
    assert_eq!(text(r"'\ud83d'"), [0xED, 0xA0, 0xBD]);
    assert_eq!(
        text(r"'\ud800\udc00'"),
        [0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80]
    );
}

fn middles(source: &str) -> String {
    let parsed = eval(source);
    let Some(Expr::FString(f)) = parsed.expression() else {
        panic!("no f-string")
    };
    let mut out = String::new();
    for part in f.value.f_strings() {
        for element in &part.elements {
            match element {
                InterpolatedStringElement::Literal(l) => {
                    let value = decode_middle(parsed.source(), l.range, part.flags.into()).unwrap();
                    out += value.as_str().unwrap();
                }
                InterpolatedStringElement::Interpolation(_) => out.push('@'),
            }
        }
    }
    out
}

#[test]
fn text_of_f_strings() {
    assert_eq!(middles(r#"f"a{1}b{{c}}\n""#), "a@b{c}\n");
    assert_eq!(middles(r#"f"\{1}""#), "\\@");
    assert_eq!(middles(r#"rf"\{1}{{""#), "\\@{");
    assert_eq!(middles(r#"f"\N{DIGIT ONE}{{}}""#), "1{}");
    assert_eq!(middles(r#"f"\x7b\x7b{1}""#), "{{@");
}

#[test]
fn warnings_have_lines() {
    let parsed = parse(
        "x = '''\n\\d'''\ny = 1if z else 2",
        Mode::Exec,
        &Options::default(),
    )
    .unwrap();
    let found: Vec<(u32, &str)> = parsed
        .warnings()
        .iter()
        .map(|w| (w.lineno, w.message.as_str()))
        .collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].0, 2);
    assert!(
        found[0]
            .1
            .starts_with("\"\\d\" is an invalid escape sequence.")
    );
    assert_eq!(found[1], (3, "invalid decimal literal"));
}

fn decoded(bytes: &[u8]) -> Result<String, (String, u32, i32)> {
    match decode_source(bytes, None) {
        Ok(Decoded::Text(text)) => Ok(text),
        Ok(Decoded::NeedsCodec(name)) => Err((name, 0, 0)),
        Err(e) => Err((e.message, e.lineno, e.col_offset)),
    }
}

#[test]
fn encodings() {
    assert_eq!(decoded(b"\xEF\xBB\xBFx").unwrap(), "x");
    assert_eq!(
        decoded(b"#!x\n# -*- coding: latin-1 -*-\n'\xE9'").unwrap(),
        "#!x\n# -*- coding: latin-1 -*-\n'é'"
    );
    assert_eq!(
        decoded(b"# coding: iso-8859-15\n\xA4").unwrap(),
        "# coding: iso-8859-15\n€"
    );
    assert_eq!(
        decoded(b"x\n# coding: latin-1").unwrap(),
        "x\n# coding: latin-1"
    );
    assert_eq!(decoded(b"# coding: koi8-r\n").unwrap_err().0, "koi8-r");
    let (message, line, column) = decoded(b"\n\nx = 'abc\xE9'").unwrap_err();
    assert!(message.starts_with("Non-UTF-8 code starting with '\\xe9' on line 3, but no"));
    assert_eq!((line, column), (3, 9));
    let (message, line, column) = decoded(b"# coding: ascii\n\xE9").unwrap_err();
    assert_eq!(
        message,
        "'ascii' codec can't decode byte 0xe9 in position 16: ordinal not in range(128)"
    );
    assert_eq!((line, column), (0, -1));
    let (message, ..) = decoded(b"\xEF\xBB\xBF# coding: latin-1").unwrap_err();
    assert_eq!(message, "encoding problem: iso-8859-1 with BOM");
    let (message, ..) = decoded(b"x\0").unwrap_err();
    assert_eq!(message, "source code string cannot contain null bytes");
}

#[test]
fn tokens_of_the_tokenize_module() {
    let source = TokenSource::new("if 1:\n  x # c\n\ny = f'a{{{b!r:>{w}}'");
    let tokens: Vec<(u8, String)> = source
        .tokens(true)
        .map(|t| t.unwrap())
        .map(|t| (t.kind, t.text))
        .collect();
    let expected = [
        (1, "if"),
        (2, "1"),
        (55, ":"),
        (4, "\n"),
        (5, "  "),
        (1, "x"),
        (65, "# c"),
        (4, "\n"),
        (66, "\n"),
        (6, ""),
        (1, "y"),
        (55, "="),
        (59, "f'"),
        (60, "a{"),
        (55, "{"),
        (1, "b"),
        (55, "!"),
        (1, "r"),
        (55, ":"),
        (60, ">"),
        (55, "{"),
        (1, "w"),
        (55, "}"),
        (60, ""),
        (55, "}"),
        (61, "'"),
        (4, ""),
        (0, ""),
    ];
    let expected: Vec<(u8, String)> = expected.iter().map(|&(k, t)| (k, t.to_owned())).collect();
    assert_eq!(tokens, expected);
    let exact: Vec<u8> = TokenSource::new("a:=1;!\n")
        .tokens(false)
        .map(|t| t.unwrap().kind)
        .collect();
    assert_eq!(exact, [1, 53, 2, 13, 54, 4, 0]);
}

#[test]
fn interactive_input() {
    let options = Options {
        allow_incomplete: true,
        dont_imply_dedent: true,
    };
    let more = |source: &str| match parse(source, Mode::Single, &options) {
        Ok(_) => Some(false),
        Err(e) if e.kind == ErrorKind::IncompleteInput => Some(true),
        Err(_) => None,
    };
    for source in [
        "if 1:\n",
        "if 1:\n  x",
        "x = (",
        "'''a\n",
        "x \\\n",
        "@a\n",
        "try:\n  x\n",
        "f'''{a",
    ] {
        assert_eq!(more(source), Some(true), "{source:?}");
    }
    for source in ["x = 1\n", "x; y", "if 1:\n  x\n\n", "if 1: x\n"] {
        assert_eq!(more(source), Some(false), "{source:?}");
    }
    for source in [")", "0777\n", "$\n", "a b\n", "  x"] {
        assert_eq!(more(source), None, "{source:?}");
    }
}

fn refusal(source: &str) -> Option<ErrorKind> {
    parse(source, Mode::Exec, &Options::default())
        .err()
        .map(|e| e.kind)
}

#[test]
fn hostile_nesting_is_refused() {
    let many = |s: &str, n: usize| s.repeat(n);
    assert_eq!(
        refusal(&(many("-", 100_000) + "1")),
        Some(ErrorKind::TooComplex)
    );
    assert_eq!(
        refusal(&(many("not ", 100_000) + "1")),
        Some(ErrorKind::TooComplex)
    );
    assert_eq!(
        refusal(&(many("x if x else ", 50_000) + "1")),
        Some(ErrorKind::TooComplex)
    );
    assert_eq!(
        refusal(&("a".to_owned() + &many(".b", 100_000))),
        Some(ErrorKind::Recursion)
    );
    assert_eq!(refusal(&(many("(", 100_000))), Some(ErrorKind::Syntax));
    assert_eq!(
        refusal(&(many("[", 201) + &many("]", 201))),
        Some(ErrorKind::Syntax)
    );
    let blocks = |n: usize| {
        let mut source: String = (0..n).map(|i| " ".repeat(i) + "if 1:\n").collect();
        source += &(" ".repeat(n) + "x\n");
        source
    };
    assert_eq!(refusal(&blocks(101)), Some(ErrorKind::Indentation));
}

#[test]
fn long_sources_are_accepted() {
    let many = |s: &str, n: usize| s.repeat(n);
    assert_eq!(refusal(&("a".to_owned() + &many(" + b", 10_000))), None);
    assert_eq!(refusal(&("a".to_owned() + &many(".b", 10_000))), None);
    assert_eq!(refusal(&(many("-", 3_000) + "1")), None);
    assert_eq!(refusal(&(many("(", 200) + "1" + &many(")", 200))), None);
    assert_eq!(
        refusal(&("x = [".to_owned() + &many("1, ", 100_000) + "]")),
        None
    );
}

#[test]
fn what_the_parser_crate_refuses() {
    for source in ["raise;", "x; raise ; y", "x;match(y)", "if x: y; match = 1"] {
        assert_eq!(refusal(source), None, "{source:?}");
    }
}

#[test]
fn signatures() {
    let count = |source: &str| parse_func_type(source).map(|f| f.args.len()).ok();
    assert_eq!(count("() -> int"), Some(0));
    assert_eq!(count("(int, *str, **dict[a, b]) -> list[int]\n"), Some(3));
    assert_eq!(count("(int -> str"), None);
    assert_eq!(count("(int) str"), None);
    assert_eq!(count("int -> str"), None);
    assert_eq!(count("(int,, str) -> x"), None);
}

#[test]
fn characters_no_source_has() {
    let message = |source: &str| {
        parse(source, Mode::Exec, &Options::default())
            .err()
            .map(|e| e.message)
            .unwrap_or_default()
    };
    assert_eq!(
        message("x = 1\0"),
        "source code string cannot contain null bytes"
    );
    assert_eq!(
        message("\u{FEFF}x"),
        "invalid non-printable character U+FEFF"
    );
}
