//! Links the program at a fixed address. A position-independent one would have the addresses in its tables of types, methods and
//! opcodes put right at each start, which takes more time than reading the first module.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
