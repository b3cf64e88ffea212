//! Whatever bytes a client sends, its connection ends or is answered, and the broker goes on.

use bytes::Bytes;
use kafka_protocol::messages::{MetadataRequest, ProduceRequest};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

use crate::broker::connection::wire::{Bench, batch, produce};
use crate::kafka::sample::Writer;
use crate::kafka::{APIS, Api, encode_request};

/// What is done to a frame before it is sent: at a place, so many bytes are replaced.
type Spoiling = (u16, u8, Vec<u8>);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// A request of an API that is served, filled as the bytes decide.
fn request(api: &Api, version: i16, choices: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(choices, api, version);
    writer.nulls = true;
    writer.out.extend((api.key as i16).to_be_bytes());
    writer.out.extend(version.to_be_bytes());
    writer.out.extend(7_i32.to_be_bytes());
    writer.out.extend([0, 1, b'c']);
    if api.request_header_version(version) == 2 {
        writer.out.push(0);
    }
    writer.record(api.request);
    writer.out
}

fn spoil(frame: &mut Vec<u8>, (at, length, with): &Spoiling) {
    let at = usize::from(*at) % (frame.len() + 1);
    let end = (at + usize::from(*length)).min(frame.len());
    frame.splice(at..end, with.iter().copied());
}

fn framed(message: &[u8]) -> Bytes {
    let length = i32::try_from(message.len()).unwrap();
    [&length.to_be_bytes(), message].concat().into()
}

/// Sends the bytes, reads whatever comes until the connection ends, and looks whether the broker is still well.
fn survives(frames: &[Bytes]) {
    runtime().block_on(async {
        let mut bench = Bench::new("orders", &[]);
        for frame in frames {
            let mut client = bench.connect();
            // A broker that has closed the connection shows at the read.
            let _ = client.stream().write_all(frame).await;
            let _ = client.stream().shutdown().await;
            let mut answers = Vec::new();
            client.stream().read_to_end(&mut answers).await.unwrap();
            assert!(answers.len() < 1 << 20, "{} bytes for {} bytes", answers.len(), frame.len());
        }
        let mut client = bench.connect();
        assert_eq!(client.call(1, &MetadataRequest::default()).await.brokers.len(), 1);
        drop(client);
        bench.all_served().await;
    });
}

fn some_request() -> impl Strategy<Value = Vec<u8>> {
    let api = prop::sample::select(APIS.iter().collect::<Vec<_>>());
    (api, any::<prop::sample::Index>(), vec(any::<u8>(), 0..200)).prop_map(|(api, version, choices)| {
        let versions: Vec<i16> = api.served().collect();
        request(api, versions[version.index(versions.len())], &choices)
    })
}

fn some_spoiling() -> impl Strategy<Value = Spoiling> {
    (any::<u16>(), 0..6_u8, vec(any::<u8>(), 0..6))
}

#[test]
fn what_is_kept_is_survived() {
    let kept = [
        include_str!("../../../tests/frames/counts.hex"),
        include_str!("../../../tests/frames/requests.hex"),
    ];
    let lines = kept.iter().flat_map(|file| file.lines());
    let texts = lines.map(|line| line.split('#').next().unwrap().trim()).filter(|text| !text.is_empty());
    let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
    let frames: Vec<_> =
        texts.map(|text| framed(&text.as_bytes().chunks(2).map(byte).collect::<Vec<_>>())).collect();
    assert!(frames.len() > 200);
    frames.chunks(50).for_each(survives);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_request_is_survived(requests in vec(some_request(), 1..5)) {
        survives(&requests.iter().map(|request| framed(request)).collect::<Vec<_>>());
    }

    #[test]
    fn a_spoilt_request_is_survived(mut request in some_request(), spoilings in vec(some_spoiling(), 1..4)) {
        for spoiling in &spoilings {
            spoil(&mut request, spoiling);
        }
        survives(&[framed(&request)]);
    }

    #[test]
    fn a_spoilt_batch_is_survived(version in 3..14_i16, spoilings in vec(some_spoiling(), 1..4)) {
        let mut records = batch(b"value").to_vec();
        for spoiling in &spoilings {
            spoil(&mut records, spoiling);
        }
        let request: ProduceRequest = produce("orders", -1, records.into());
        survives(&[encode_request(version, 1, "c", &request).unwrap().into()]);
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..100), length in prop::option::of(any::<i32>())) {
        let prefix = length.map(i32::to_be_bytes).unwrap_or_default();
        survives(&[framed(&bytes), [&prefix[..], &bytes].concat().into()]);
    }
}
