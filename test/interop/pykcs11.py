"""
Every mechanism that this client module carries, through PyKCS11, which builds its parameters in C
structures of its own. Prints one JSON object: what was tried, and what was refused as it must be.
Arguments: module, PIN.
"""
import json
import os
import sys

import PyKCS11
from PyKCS11 import *

lib = PyKCS11.PyKCS11Lib()
lib.load(sys.argv[1])
slot = lib.getSlotList(tokenPresent=True)[0]
session = lib.openSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
session.login(sys.argv[2])
offered = {CKM[name] for name in lib.getMechanismList(slot)}
data = os.urandom(5000)
tried = []


def secret(key_type, generator, length, *usages):
    template = [(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, key_type), (CKA_VALUE_LEN, length)]
    template += [(CKA_TOKEN, False)] + [(usage, True) for usage in usages]
    return session.generateKey(template, Mechanism(generator))


def pair(parameters, generator, public_usage, private_usage):
    return session.generateKeyPair(
        parameters + [(public_usage, True), (CKA_TOKEN, False)],
        [(private_usage, True), (CKA_TOKEN, False)],
        Mechanism(generator),
    )


def refused(work, *codes):
    try:
        work()
    except PyKCS11Error as error:
        assert error.value in codes, error
        return
    raise AssertionError('it was not refused')


def ciphers():
    key = secret(CKK_AES, CKM_AES_KEY_GEN, 32, CKA_ENCRYPT, CKA_DECRYPT)
    for name, mechanism in (
        ('AES-GCM', lambda: AES_GCM_Mechanism(bytes(12), b'associated', 128)),
        ('AES-CBC-PAD', lambda: Mechanism(CKM_AES_CBC_PAD, bytes(16))),
        ('AES-CTR', lambda: AES_CTR_Mechanism(128, bytes(16))),
    ):
        if {'AES-GCM': CKM_AES_GCM, 'AES-CBC-PAD': CKM_AES_CBC_PAD, 'AES-CTR': CKM_AES_CTR}[name] not in offered:
            continue
        if name == 'AES-CTR' and not hasattr(PyKCS11, 'AES_CTR_Mechanism'):
            continue
        sealed = bytes(session.encrypt(key, data, mechanism()))
        assert bytes(session.decrypt(key, sealed, mechanism())) == data
        assert sealed[: len(data)] != data
        if name == 'AES-GCM':
            spoiled = sealed[:-1] + bytes([sealed[-1] ^ 1])
            refused(lambda: session.decrypt(key, spoiled, mechanism()), CKR_ENCRYPTED_DATA_INVALID)
        tried.append(name)


def macs():
    key = secret(CKK_GENERIC_SECRET, CKM_GENERIC_SECRET_KEY_GEN, 32, CKA_SIGN, CKA_VERIFY)
    for name in ('SHA224_HMAC', 'SHA256_HMAC', 'SHA384_HMAC', 'SHA512_HMAC'):
        number = getattr(PyKCS11, 'CKM_' + name)
        if number not in offered:
            continue
        tag = session.sign(key, data, Mechanism(number))
        assert session.verify(key, data, tag, Mechanism(number))
        assert not session.verify(key, data + b'.', tag, Mechanism(number))
        tried.append(name)
    if CKM_AES_CMAC in offered:
        aes = secret(CKK_AES, CKM_AES_KEY_GEN, 16, CKA_SIGN, CKA_VERIFY)
        tag = session.sign(aes, data, Mechanism(CKM_AES_CMAC))
        assert session.verify(aes, data, tag, Mechanism(CKM_AES_CMAC))
        refused(lambda: session.encrypt(aes, data, Mechanism(CKM_AES_CBC_PAD, bytes(16))), CKR_KEY_FUNCTION_NOT_PERMITTED)
        tried.append('AES_CMAC')


def curves():
    for oid, bits in (('06082a8648ce3d030107', 256), ('06052b81040023', 521), ('06052b8104000a', 256)):
        parameters = [(CKA_EC_PARAMS, bytes.fromhex(oid))]
        public, private = pair(parameters, CKM_EC_KEY_PAIR_GEN, CKA_VERIFY, CKA_SIGN)
        for name in ('ECDSA', 'ECDSA_SHA256', 'ECDSA_SHA512'):
            number = getattr(PyKCS11, 'CKM_' + name)
            if number not in offered:
                continue
            message = data[:32] if name == 'ECDSA' else data
            signature = session.sign(private, message, Mechanism(number))
            assert len(signature) == 2 * ((bits + 7) // 8)
            assert session.verify(public, message, signature, Mechanism(number))
            tried.append('%s-%d' % (name, bits))
        if CKM_ECDH1_DERIVE not in offered:
            continue
        ours = pair(parameters, CKM_EC_KEY_PAIR_GEN, CKA_DERIVE, CKA_DERIVE)
        theirs = pair(parameters, CKM_EC_KEY_PAIR_GEN, CKA_DERIVE, CKA_DERIVE)
        tags = []
        for (_, own), (peer, _) in ((ours, theirs), (theirs, ours)):
            point = bytes(session.getAttributeValue(peer, [CKA_EC_POINT])[0])
            template = [(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_GENERIC_SECRET), (CKA_SIGN, True), (CKA_TOKEN, False)]
            derived = session.deriveKey(own, template, ECDH1_DERIVE_Mechanism(point))
            tags.append(bytes(session.sign(derived, data, Mechanism(CKM_SHA256_HMAC))))
        assert tags[0] == tags[1]
        tried.append('ECDH1_DERIVE-%d' % bits)


def rsa():
    parameters = [(CKA_MODULUS_BITS, 2048), (CKA_PUBLIC_EXPONENT, (1, 0, 1))]
    public, private = pair(parameters, CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_VERIFY, CKA_SIGN)
    for name in ('SHA224_RSA_PKCS', 'SHA256_RSA_PKCS', 'SHA512_RSA_PKCS'):
        number = getattr(PyKCS11, 'CKM_' + name)
        if number not in offered:
            continue
        signature = session.sign(private, data, Mechanism(number))
        assert session.verify(public, data, signature, Mechanism(number))
        tried.append(name)
    if CKM_SHA256_RSA_PKCS_PSS in offered:
        pss = PyKCS11.RSA_PSS_Mechanism(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32)
        signature = session.sign(private, data, pss)
        assert session.verify(public, data, signature, pss)
        tried.append('SHA256_RSA_PKCS_PSS')
    public, private = pair(parameters, CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_ENCRYPT, CKA_DECRYPT)
    for name, hash_, mask in (('SHA1', CKM_SHA_1, CKG_MGF1_SHA1), ('SHA256', CKM_SHA256, CKG_MGF1_SHA256)):
        oaep = PyKCS11.RSAOAEPMechanism(hash_, mask, b'label')
        sealed = session.encrypt(public, data[:100], oaep)
        assert bytes(session.decrypt(private, sealed, oaep)) == data[:100]
        other = PyKCS11.RSAOAEPMechanism(hash_, mask, b'another')
        refused(lambda: session.decrypt(private, sealed, other), CKR_ENCRYPTED_DATA_INVALID)
        tried.append('RSA_PKCS_OAEP-' + name)


for family in (ciphers, macs, curves, rsa):
    family()
session.logout()
session.closeSession()
print(json.dumps(tried))
