//! What the application does on an outcome.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{MAX_MESSAGES, Reason};
use super::{Field, Form, Listed, Name, Number, Range};

/// What the application does on an outcome. Reactions are tried in the order of the file; the first that matches and
/// may still happen does. Behind a `stop` and behind the step `exit` none does.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct React {
    /// On which outcomes: `{err: any}`, `{err: MESSAGE_TOO_LARGE, messages: [0..3]}`, `{ok: any}`.
    pub on: Field<OnOutcome>,
    /// What it does: `resend`, `stop`, `close`, `flush`, or `{send: 1}`.
    #[serde(rename = "do")]
    pub action: Field<Form<Reaction, MoreSends>>,
    /// Where it does it. Default: `callback`.
    #[serde(rename = "in")]
    pub place: Field<ReactIn>,
    /// At most so often. Default: each time.
    pub times: Field<Number<1, MAX_MESSAGES>>,
}

/// Which outcomes: one of `err` and `ok`, narrowed by the rest.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OnOutcome {
    /// Those that are not acknowledged, by a callback or by the call: `any`, or those with this code, `expired`,
    /// `MESSAGE_TOO_LARGE`.
    pub err: Field<Reason>,
    /// Those that are acknowledged: `any`.
    pub ok: Field<AnyOk>,
    /// That of this submission; `"0'"` is the second submission of message 0.
    pub message: Field<Range>,
    /// Those of these submissions.
    pub messages: Field<Listed<Range, Range>>,
    /// Those of this producer, where there are several.
    pub producer: Field<Name>,
}

/// Any acknowledgement.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AnyOk {
    /// Whatever is acknowledged.
    Any,
}

/// What the application does.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// It submits the same message once more; what comes of that is an outcome, too, so that this may go on. The second
    /// submission of message 0 is `"0'"`; the numbers go on behind those of `again`. Such messages always carry the
    /// runner's own header. A message that is to be submitted more than a thousand times so fails the scenario.
    Resend,
    /// It gives up: the remaining sends and steps are left out, as when a wait passes its limit; then it drains and
    /// closes. What has been sent is not taken back, and a `wait` or `flush` right behind it is still taken.
    Stop,
    /// It closes the producer that had the outcome; its later sends are left out. In a callback it cannot wait, and the
    /// producer is gone at once, with what has no answer by then; otherwise it is flushed, up to `ack_wait`.
    Close,
    /// It flushes the producer that had the outcome, up to `ack_wait`. In a callback that waits for the very callback in
    /// which it waits, and for those behind it, and therefore always in vain.
    Flush,
}

/// New messages.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MoreSends {
    /// It sends so many new messages, made of the scenario's own templates. Their numbers follow those of all steps, in
    /// the order in which they are sent. Their outcomes make no other reaction send new ones.
    pub send: Field<Form<Number<1, MAX_MESSAGES>, NewMessages>>,
}

/// New messages, and where they go.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewMessages {
    /// How many.
    pub count: Field<Number<1, MAX_MESSAGES>>,
    /// Which producer sends them, where there are several.
    pub producer: Field<Name>,
    /// To which topic, where there are several.
    pub topic: Field<Name>,
}

/// Where the application reacts.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ReactIn {
    /// In the callback itself, on the thread that serves callbacks, before it serves the next one.
    Callback,
    /// On the thread that sends, before its next send or step, or at the end; a `wait` or `flush` in between comes
    /// first. A refusal by the call has no callback and is always reacted to so. What a `sync` send resends so, it
    /// waits for, as for the message itself.
    Sender,
}
