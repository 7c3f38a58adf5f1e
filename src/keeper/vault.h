/* vault.h - the secret under which the keeper writes down what others carry; see mint.h. */
#ifndef KEEPER_VAULT_H
#define KEEPER_VAULT_H

#include "keeper/mint.h"

/* vault_open - MINT_KEY_LEN bytes in locked memory, from the file mac.key in the keeper's
 * directory, which is made if it is not there. Without that file no app password, token or session
 * opens anything any more. */
MUST_CHECK int vault_open(int dirfd, unsigned char **key_out, struct err *err);
void vault_close(unsigned char **key);

#endif
