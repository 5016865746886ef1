import type { Handlers } from '@flaghoist/api';
import type { ControlPlane } from '../control-plane.ts';
import { pageOf } from './pages.ts';
import { checkVersion, versionOf } from './preconditions.ts';

export function webhookHandlers({ webhooks, reconciler }: ControlPlane) {
  const view = (webhook: ReturnType<typeof webhooks.get>) => {
    const { url, secret, events, selector, format } = webhook;
    return { ...webhook, version: versionOf([url, secret, events, selector, format]) };
  };
  const versionNow = (name: string): string | undefined => {
    const present = webhooks.find(name);
    return present && view(present).version;
  };

  return {
    listWebhooks: async (paging) => pageOf(webhooks.list(), paging, ({ name }) => name, view),

    getWebhook: async ({ name }) => view(webhooks.get(name)),

    putWebhook: async ({ name, ifMatch, body: { author, ...settings } }) => {
      checkVersion(ifMatch, versionNow(name));
      webhooks.put(name, settings, author);
      await reconciler.flush();
      return view(webhooks.get(name));
    },

    deleteWebhook: async ({ name, ifMatch, author }) => {
      checkVersion(ifMatch, view(webhooks.get(name)).version);
      webhooks.delete(name, author);
      await reconciler.flush();
    },

    testWebhook: async ({ name, author }) => {
      const answer = await webhooks.test(name, author);
      return { delivered: answer.error === '', ...answer };
    },
  } satisfies Partial<Handlers>;
}
