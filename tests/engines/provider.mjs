// A certified OpenID provider (npm's oidc-provider) on a loopback port, with a few people in it. Its pages are its own
// development pages: whoever types a subject is that person, whatever the password. Arguments: the folder of node_modules, the port, and a JSON of options.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, port, given] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('oidc-provider')));
const { people, client, secret, claimsInToken, parameters } = JSON.parse(given);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: client,
    client_secret: secret,
    redirect_uris: ['http://127.0.0.1/sign-in/oidc/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1/sign-in'],
    ...parameters,
  }],
  claims: {
    openid: ['sub'],
    profile: ['preferred_username', 'name', 'groups'],
    email: ['email', 'email_verified'],
  },
  conformIdTokenClaims: !claimsInToken,
  pkce: { required: () => true, methods: ['S256'] },
  findAccount: (_, subject) => people[subject] && {
    accountId: subject,
    claims: () => ({ sub: subject, ...people[subject] }),
  },
  cookies: { keys: ['of-the-tests-alone'] },
});

// Installations of the tests listen wherever there is room.
const here = (path) => (uri) => new URL(uri).pathname === path && ['127.0.0.1', 'localhost'].includes(new URL(uri).hostname);
provider.Client.prototype.redirectUriAllowed = here('/sign-in/oidc/callback');
provider.Client.prototype.postLogoutRedirectUriAllowed = here('/sign-in');
provider.on('server_error', (_, error) => console.error(error));
provider.listen(Number(port), '127.0.0.1');
