import { expect, test } from 'vitest';
import { bodyOf, headersOf, type Told } from './envelope.ts';

test('signs as Standard Webhooks says: an example that others publish', () => {
  const body = '{"event_type":"ping","data":{"success":true}}';
  const headers = headersOf('msg_loFOjxBNrRLzqYUf', body, 1_731_705_121_999, 'whsec_plJ3nmyCDGBKInavdOK15jsl');
  expect(() => headersOf('msg_loFOjxBNrRLzqYUf', body, 0, 'whsec_c2hvcnQ=')).toThrow('16 to 64 bytes');
  expect(headers).toMatchObject({
    'webhook-id': 'msg_loFOjxBNrRLzqYUf',
    'webhook-timestamp': '1731705121',
    'webhook-signature': 'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
  });
});

const event: Told = {
  seq: 7,
  at: 0,
  kind: 'rollout.paused',
  author: 'flaghoist',
  subject: 'rollout/r1',
  data: { group: 'edge', message: '2 of 40 <failed>' },
};

test('Slack reads what happened in one line', () => {
  expect(bodyOf({ format: 'slack' }, event, 0)).toEqual({
    text: ':information_source: rollout.paused: rollout/r1 (group edge) by flaghoist: 2 of 40 &lt;failed&gt;',
  });
});

test('Alertmanager is told of alerts alone', () => {
  expect(bodyOf({ format: 'alertmanager' }, event, 0)).toBeUndefined();
});
