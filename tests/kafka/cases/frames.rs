//! Frames that are none, unknown APIs and versions, headers and bodies that break off.

use super::Theme;
use super::order::ok;
use crate::fields;
use crate::wire::Value;
use crate::wire::schema::apis;

fn header(key: i16, version: i16) -> Vec<u8> {
    let mut frame = key.to_be_bytes().to_vec();
    frame.extend(version.to_be_bytes());
    frame.extend([0, 0, 0, 9, 0xFF, 0xFF]);
    frame
}

pub(super) fn add(theme: &mut Theme) {
    theme.case("sizes that are none", |k| {
        for size in [0_i32, -1, i32::MIN, 104_857_601, i32::MAX, 1, 3, 7] {
            k.bytes("size", &[&size.to_be_bytes()[..], &vec![0; size.clamp(0, 8) as usize]].concat());
        }
    });
    theme.case("frames that are none", |k| {
        for frame in [&b""[..], b"abc", &[0; 7], &[0; 8], &[0; 40], &[0x7F; 40], &[0xFF; 40]] {
            k.raw("frame", frame, ("ApiVersions", 0));
        }
    });
    theme.case("unknown apis", |k| {
        for key in [-1_i16, 4, 5, 6, 7, 62, 71, 72, 999, i16::MAX, i16::MIN] {
            k.raw(&format!("api {key}"), &[&header(key, 0)[..], &[0; 8]].concat(), ("ApiVersions", 0));
        }
    });
    for (name, outside) in [
        ("Produce", vec![-1, 14]),
        ("Fetch", vec![-1, 0, 3, 19]),
        ("ListOffsets", vec![-1, 0, 12]),
        ("Metadata", vec![-1, 14]),
        ("FindCoordinator", vec![-1, 7]),
        ("CreateTopics", vec![-1, 0, 1, 8]),
        ("InitProducerId", vec![-1, 7]),
    ] {
        theme.case(format!("versions that {name} has not"), move |k| {
            let key = apis().iter().find(|api| api.name == name).expect("an API").key;
            for version in &outside {
                k.raw(
                    &format!("version {version}"),
                    &[&header(key, *version)[..], &[0; 30]].concat(),
                    (name, 0),
                );
            }
        });
    }
    theme.case("ApiVersions of the future", |k| {
        for version in [5, 6, 99, i16::MAX, -1, i16::MIN] {
            k.raw("ApiVersions", &[&header(18, version)[..], &[0]].concat(), ("ApiVersions", 0));
        }
        k.raw("without a body", &header(18, 99), ("ApiVersions", 0));
        k.raw("with another body", &[&header(18, 99)[..], &[7; 20]].concat(), ("ApiVersions", 0));
        k.call("Metadata", 4, fields! {});
    });
    theme.case("bodies that break off", |k| {
        k.raw("Metadata v1", &[&header(3, 1)[..], &[0, 0, 0]].concat(), ("Metadata", 1));
        k.raw("Metadata v9", &[&header(3, 9)[..], &[0, 2]].concat(), ("Metadata", 9));
        k.raw(
            "Metadata v1, one topic missing",
            &[&header(3, 1)[..], &[0, 0, 0, 1]].concat(),
            ("Metadata", 1),
        );
        k.raw("Produce v9", &[&header(0, 9)[..], &[0, 0, 0]].concat(), ("Produce", 9));
        k.raw("InitProducerId v0", &[&header(22, 0)[..], &[0xFF, 0xFF]].concat(), ("InitProducerId", 0));
        k.raw("a header without a client", &header(3, 1)[..8], ("Metadata", 1));
        k.raw("a header with half a client", &[&header(3, 1)[..8], &[0, 9, b'a']].concat(), ("Metadata", 1));
    });
    theme.case("bytes behind a body", |k| {
        k.raw("Metadata v1", &[&header(3, 1)[..], &[0, 0, 0, 0, 9, 9, 9]].concat(), ("Metadata", 1));
        k.raw("Metadata v9", &[&header(3, 9)[..], &[0, 1, 1, 0, 0, 0, 7, 7]].concat(), ("Metadata", 9));
        k.raw(
            "InitProducerId v0",
            &[&header(22, 0)[..], &[0xFF, 0xFF, 0, 0, 0, 0, 7]].concat(),
            ("InitProducerId", 0),
        );
        k.call("Metadata", 4, fields! {});
    });
    theme.case("counts above what is there", |k| {
        for count in [1_u32, 0x3FFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFFE] {
            k.raw("Metadata v1", &[&header(3, 1)[..], &count.to_be_bytes()].concat(), ("Metadata", 1));
        }
        k.raw(
            "Metadata v9",
            &[&header(3, 9)[..], &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]].concat(),
            ("Metadata", 9),
        );
        k.raw(
            "a varint that never ends",
            &[&header(3, 9)[..], &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]].concat(),
            ("Metadata", 9),
        );
    });
    theme.case("nulls where none may be", |k| {
        k.raw("Metadata v0", &[&header(3, 0)[..], &[0xFF; 4]].concat(), ("Metadata", 0));
        k.raw("a topic without a name", &[&header(3, 1)[..], &[0, 0, 0, 1, 0xFF, 0xFF]].concat(), ("Metadata", 1));
        k.call("Produce", 9, fields! { topics: Value::Null });
        k.call("Produce", 9, fields! { topics: vec![fields! { name: Value::Null, partitions: vec![fields! { records: ok() }] }] });
        k.call("Produce", 9, fields! { topics: vec![fields! { name: "~t", partitions: Value::Null }] });
        k.call("Produce", 3, fields! { topics: Value::Null });
        k.call("Fetch", 12, fields! { topics: Value::Null });
        k.call("CreateTopics", 5, fields! { topics: Value::Null });
        k.call("ListOffsets", 6, fields! { topics: Value::Null });
        k.call("ApiVersions", 3, fields! { client_software_name: Value::Null });
        k.call("FindCoordinator", 3, fields! { key: Value::Null });
        k.call("FindCoordinator", 4, fields! { coordinator_keys: Value::Null });
    });
    theme.case("lengths of minus two", |k| {
        k.raw(
            "a client id",
            &[&[0, 3, 0, 1, 0, 0, 0, 1, 0xFF, 0xFE][..], &[0, 0, 0, 0]].concat(),
            ("Metadata", 1),
        );
        k.raw("topics", &[&header(3, 1)[..], &[0xFF, 0xFF, 0xFF, 0xFE]].concat(), ("Metadata", 1));
        k.raw(
            "a transactional id",
            &[&header(22, 0)[..], &[0xFF, 0xFE, 0, 0, 0, 0]].concat(),
            ("InitProducerId", 0),
        );
    });
    theme.case("text that is no UTF-8", |k| {
        k.raw(
            "a client id",
            &[&[0, 3, 0, 1, 0, 0, 0, 1, 0, 2, 0xC3, 0x28][..], &[0, 0, 0, 0]].concat(),
            ("Metadata", 1),
        );
        let name = Value::Named("bytes c328".to_owned(), vec![0xC3, 0x28]);
        k.call("Metadata", 9, fields! { topics: vec![fields! { name: name.clone() }] });
        k.call(
            "Produce",
            9,
            fields! { topics: vec![fields! { name: name, partitions: vec![fields! { records: ok() }] }] },
        );
    });
    theme.case("tagged fields that nobody knows", |k| {
        // Metadata of no topics, with tag 99 of one byte in the header, then in the body.
        let body = [1, 1, 0];
        let head = header(3, 12);
        let mut tags = |what: &str, header: &[u8], body_tags: &[u8]| {
            let frame = [&head[..], header, &body, body_tags].concat();
            k.raw(what, &frame, ("Metadata", 12));
        };
        tags("in the header", &[1, 99, 1, 7], &[0]);
        tags("in the body", &[0], &[1, 99, 1, 7]);
        tags("longer than the frame", &[0], &[1, 99, 9, 7]);
        tags("in wrong order", &[0], &[2, 99, 1, 7, 98, 1, 7]);
        tags("twice", &[0], &[2, 99, 1, 7, 99, 1, 7]);
    });
}
