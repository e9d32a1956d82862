// GnuTLS, NSS, Java and OpenSSH each reach the same keys through the stock client module.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENT_MODULE, PIN, skipWithout, startToken } from '../support/pkcs11.ts';

test(
  'p11tool lists and signs; ssh-keygen -D shows the public keys',
  {
    skip: skipWithout('p11tool', 'pkcs11-tool', 'ssh-keygen'),
  },
  async () => {
    await using token = await startToken();
    const { run, tool } = token;
    tool(['--keypairgen', '--key-type', 'EC:prime256v1', '--id', '01', '--label', 'a']);
    tool(['--keypairgen', '--key-type', 'rsa:2048', '--id', '02', '--label', 'b']);
    const provider = ['--provider', CLIENT_MODULE];
    assert.match(run('p11tool', [...provider, '--list-tokens']), /token=Strongroom/);
    const listed = run('p11tool', [...provider, '--login', '--list-all']);
    assert.match(listed, /Private key \(EC\/ECDSA-SECP256R1\)\n\s+Label: a/);
    assert.match(listed, /Private key \(RSA-2048\)\n\s+Label: b/);
    for (const id of ['01', '02']) {
      run('p11tool', [
        ...provider,
        '--login',
        '--test-sign',
        `pkcs11:token=Strongroom;id=%${id};type=private`,
      ]);
    }
    const keys = run('ssh-keygen', ['-D', CLIENT_MODULE]);
    assert.match(keys, /^ecdsa-sha2-nistp256 \S+ a$/m);
    assert.match(keys, /^ssh-rsa \S+ b$/m);
  },
);

test(
  'NSS makes a key and a certificate on the token',
  {
    skip: skipWithout('certutil', 'modutil'),
  },
  async () => {
    await using token = await startToken();
    const { run, folder } = token;
    mkdirSync(join(folder, 'db'));
    writeFileSync(join(folder, 'pin'), `${PIN}\n`);
    writeFileSync(join(folder, 'noise'), 'key presses of a person who is asked for them');
    const database = ['-d', 'sql:db'];
    run('certutil', ['-N', ...database, '--empty-password']);
    run('modutil', ['-dbdir', 'sql:db', '-add', 'strongroom', '-libfile', CLIENT_MODULE, '-force']);
    const named = [...database, '-h', 'Strongroom', '-f', 'pin'];
    run('certutil', [
      '-S',
      ...named,
      '-n',
      'me',
      '-s',
      'CN=me',
      '-x',
      '-t',
      ',,',
      '-k',
      'ec',
      '-q',
      'nistp256',
      '-z',
      'noise',
    ]);
    assert.match(run('certutil', ['-L', ...named]), /Strongroom:me\s+u,u,u/);
    assert.match(run('certutil', ['-K', ...named]), /ec\s+[0-9a-f]{40}\s+Strongroom:me/);
  },
);

const PROGRAM = `
import java.security.*;
import java.security.spec.*;
public class Sign {
  public static void main(String[] words) throws Exception {
    Provider provider = Security.getProvider("SunPKCS11")
      .configure("--name=Strongroom\\nlibrary=" + words[0] + "\\nslot=0\\n");
    KeyStore store = KeyStore.getInstance("PKCS11", provider);
    store.load(null, words[1].toCharArray());
    for (String type : new String[] { "EC", "RSA" }) {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(type, provider);
      if (type.equals("EC")) generator.initialize(new ECGenParameterSpec("secp256r1"));
      else generator.initialize(2048);
      KeyPair pair = generator.generateKeyPair();
      String name = type.equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
      Signature signer = Signature.getInstance(name, provider);
      signer.initSign(pair.getPrivate());
      signer.update("a letter".getBytes());
      byte[] signature = signer.sign();
      PublicKey key = KeyFactory.getInstance(type)
        .generatePublic(new X509EncodedKeySpec(pair.getPublic().getEncoded()));
      Signature judge = Signature.getInstance(name, type.equals("EC") ? "SunEC" : "SunRsaSign");
      judge.initVerify(key);
      judge.update("a letter".getBytes());
      System.out.println(name + " " + judge.verify(signature));
    }
  }
}
`;

// Java is not among the programs that CI installs: it is large, and where it is there it is tried.
const java = { skip: skipWithout('java') || (process.env['CI'] === 'true' && 'not part of CI') };

test("Java's SunPKCS11 makes keys and signs", java, async () => {
  await using token = await startToken();
  writeFileSync(join(token.folder, 'Sign.java'), PROGRAM);
  const said = token.run('java', ['Sign.java', CLIENT_MODULE, PIN]);
  assert.match(said, /SHA256withECDSA true\nSHA256withRSA true/);
});
